import { readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeFolder } from './folder.ts'

/** Who writes to a run's folder. */
type Owner = {
  pid: number
  /** When the process was started, in the kernel's words: a pid alone may be somebody else's by now. */
  started: string
  /** Where the pid means something: the machine's boot and the pid namespace. */
  realm: string
}

const FILE = 'owner.json'
/** How often a living owner touches its file, and how old the touch may be where its pid means nothing here. */
const HEARTBEAT_MS = 10_000
const SILENCE_MS = 60_000

/** The hold of this process on its run's folder. */
export type Ownership = {
  /** Creates the folder, filled by `fill` before anyone can see it. */
  take(fill: (folder: string) => Promise<void>): Promise<void>
  release(): Promise<void>
}

export function createOwnership(folder: string): Ownership {
  const file = join(folder, FILE)
  let heartbeat: NodeJS.Timeout | undefined
  return {
    async take(fill) {
      const hidden = `${folder}.new`
      await makeFolder(hidden)
      await writeFile(join(hidden, FILE), JSON.stringify(await ownerNow()))
      await fill(hidden)
      await rename(hidden, folder)
      heartbeat = setInterval(() => void touch(file), HEARTBEAT_MS)
      heartbeat.unref()
    },
    async release() {
      clearInterval(heartbeat)
      // A file that stays is a dead owner's to the next run.
      await rm(file, { force: true }).catch(() => undefined)
    },
  }
}

/** Whether nobody writes to this run's folder any more. */
export async function isAbandoned(folder: string): Promise<boolean> {
  const file = join(folder, FILE)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  // Released, or being removed by another process.
  if (text === undefined) return !folder.endsWith('.new')
  const owner = parseOwner(text)
  const here = await ownerNow()
  if (owner === undefined || owner.realm !== here.realm) return isSilent(file)
  return !isRunning(owner.pid) || (await startOf(owner.pid)) !== owner.started
}

async function ownerNow(): Promise<Owner> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const namespace = await readlink('/proc/self/ns/pid').catch(() => hostname())
  return { pid: process.pid, started: await startOf(process.pid), realm: `${boot.trim()} ${namespace}` }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, realm } = JSON.parse(text)
    return Number.isInteger(pid) && typeof started === 'string' && typeof realm === 'string'
      ? { pid, started, realm }
      : undefined
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Field 22 of /proc/PID/stat, `starttime`; the name before it may hold anything, so count from its bracket. '' elsewhere. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

async function isSilent(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined)
  return found === undefined || Date.now() - found.mtimeMs > SILENCE_MS
}

async function touch(file: string): Promise<void> {
  const now = new Date()
  await utimes(file, now, now).catch(() => undefined)
}
