import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Arguments for `node` that run another module of ours as a program of its own, from the sources (through tsx)
 * as well as from the built `dist/`.
 *
 * @param from `import.meta.url` of the caller.
 * @param name the module beside it, without ending: `./server`.
 */
export function nodeProgram(from: string, name: string): string[] {
  const fromSources = from.endsWith('.ts')
  const file = fileURLToPath(new URL(`${name}${fromSources ? '.ts' : '.js'}`, from))
  if (!fromSources) return [file]
  return ['--import', pathToFileURL(createRequire(from).resolve('tsx')).href, file]
}
