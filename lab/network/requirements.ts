import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { NEEDS_ROOT, notInstalled } from './command.ts'
import { LabError } from './lab-error.ts'

export type Machine = {
  platform: string
  /** Effective user id; undefined where there is none. */
  uid: number | undefined
  /** Folders to look for programs in, as in PATH. */
  path: string
}

/**
 * Checks that this machine can run a lab: Linux, root, and the programs.
 * @throws LabError with what to do, for the first thing that is missing.
 */
export async function checkRequirements(programs: readonly string[], machine: Machine): Promise<void> {
  if (machine.platform !== 'linux') {
    throw new LabError(
      `the lab does not run on ${machine.platform}`,
      'network namespaces exist on Linux only',
    )
  }
  if (machine.uid !== 0) throw new LabError('the lab runs as root only', NEEDS_ROOT)
  for (const program of programs) {
    if (!(await isInstalled(program, machine.path))) throw notInstalled(program)
  }
}

async function isInstalled(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK)
      return true
    } catch {
      // Not in this folder.
    }
  }
  return false
}
