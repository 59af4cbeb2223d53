/**
 * Builds what is published: one file for `import`, one for `require`, each with everything of ours compiled in, and
 * the declarations for both. `npm run build -w agent`
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const root = import.meta.dirname
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
for (const [format, type] of [
  ['esm', 'module'],
  ['cjs', 'commonjs'],
] as const) {
  const folder = join(dist, format)
  await build({
    entryPoints: [join(root, 'index.ts')],
    outfile: join(folder, 'index.js'),
    bundle: true,
    format,
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
  })
  // The nearest package.json decides how Node and TypeScript read a .js and a .d.ts.
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type })}\n`)
}

const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)
execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.types.json')], { stdio: 'inherit' })
publishTypes('agent/index.d.ts', new Set())
rmSync(join(dist, 'types'), { recursive: true })

/** Copies a declaration file and those it imports, naming them as a consumer's compiler looks for them. */
function publishTypes(file: string, done: Set<string>): void {
  if (done.has(file)) return
  done.add(file)
  const text = readFileSync(join(dist, 'types', file), 'utf8').replace(/(from ')(\.[^']*)\.ts'/g, "$1$2.js'")
  for (const format of ['esm', 'cjs']) {
    const target = join(dist, format, 'types', file)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }
  for (const [, imported = ''] of text.matchAll(/from '(\.[^']*)\.js'/g)) {
    publishTypes(join(dirname(file), `${imported}.d.ts`), done)
  }
}
