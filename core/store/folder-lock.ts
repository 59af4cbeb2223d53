import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Another process works in this folder. */
export class FolderHeld extends Error {
  override readonly name = 'FolderHeld'
}

type Holder = { pid: number; started: string; command: string }

/**
 * Takes a data folder for this process. It belongs to one process at a time: the engine's files are not shared.
 * The holder is known by its pid *and* its start time, so that a pid used again after a crash holds nothing.
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'lock')
  const self: Holder = {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    command: process.argv.slice(2).join(' '),
  }
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await tryCreate(path, self)) return { release: () => rm(path, { force: true }) }
    const holder = await readHolder(path)
    if (holder !== undefined && (await isAlive(holder))) throw held(folder, holder)
    await removeStale(path)
  }
  throw new FolderHeld(`the data folder ${folder} could not be locked: others keep taking it`)
}

function held(folder: string, holder: Holder): FolderHeld {
  const command = holder.command === '' ? '' : ` (halfshake ${holder.command})`
  return new FolderHeld(
    `the data folder ${folder} is held by process ${holder.pid}${command}: stop it with "kill ${holder.pid}", or choose another folder with data.folder`,
  )
}

async function tryCreate(path: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(holder), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Renamed before it is removed: of several that find it stale, only one gets it, and none removes a fresh lock. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`
  await rename(path, aside).catch(ignoreMissing)
  await rm(aside, { force: true })
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing)
  try {
    return JSON.parse(text ?? '') as Holder
  } catch {
    // Cut off by a crash while it was written: held by nobody.
    return undefined
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const started = await startOf(holder.pid)
  return started === undefined || started === holder.started
}

/** When a process started, in clock ticks since boot (proc(5), stat field 22); undefined where there is no /proc. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
