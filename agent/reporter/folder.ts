import { existsSync, mkdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing, readable by their owner only. Not with Node's own `recursive`:
 * where the system answers "no such file" although the folder above is there, as under /proc, that never ends
 * (Node 20.20), and takes the process it runs in with it.
 */
export async function makeFolder(path: string): Promise<void> {
  for (const missing of missingOf(path)) await mkdir(missing, PRIVATE).catch(unlessThere)
}

export function makeFolderSync(path: string): void {
  for (const missing of missingOf(path)) {
    try {
      mkdirSync(missing, PRIVATE)
    } catch (error) {
      unlessThere(error)
    }
  }
}

/** Batches hold addresses of clients: nobody else on the machine needs to read them. */
const PRIVATE = { mode: 0o700 } as const

/** The folders that are not there yet, the topmost first. */
function missingOf(path: string): string[] {
  const missing: string[] = []
  for (let folder = path; !existsSync(folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.unshift(folder)
  }
  return missing
}

/** Another process may have made it meanwhile. */
function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
}
