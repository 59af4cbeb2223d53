import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SCRATCH = 'TEST_SCRATCH_FOLDER'

/** Vitest's global set-up: one folder for a run of the tests, which goes with it however its workers end. */
export default function setUp(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'halfshake-tests-'))
  process.env[SCRATCH] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}

/** A new folder for what outlives a single test. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(process.env[SCRATCH] ?? tmpdir(), `halfshake-${name}-`))
}
