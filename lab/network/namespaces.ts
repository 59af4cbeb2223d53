import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, runLast } from './command.ts'
import { isAlive, type Owner, ownerOf } from './names.ts'

const KILL_TRIES = 100
const KILL_PAUSE_MS = 20

/** Removes a namespace and every process in it; its links go with it. Nothing to do when it is gone. */
export async function removeNamespace(run: Command, namespace: string): Promise<void> {
  if (!(await listNamespaces(run)).includes(namespace)) return
  for (let tries = 0; tries < KILL_TRIES; tries += 1) {
    const pids = await run('ip', ['netns', 'pids', namespace])
    if (pids.trim() === '') break
    // Again until none is left: dying takes a moment, and one may have started another meanwhile.
    killAll(pids)
    await sleep(KILL_PAUSE_MS)
  }
  await run('ip', ['netns', 'del', namespace])
}

/** The same at once, for a process that is about to exit. */
export function removeNamespaceNow(namespace: string): void {
  killAll(runLast('ip', ['netns', 'pids', namespace]))
  runLast('ip', ['netns', 'del', namespace])
}

/**
 * Removes what runs left behind that could not clean up after themselves (`kill -9`).
 * @returns the names removed.
 */
export async function removeLeftovers(
  run: Command,
  alive: (owner: Owner) => boolean = isAlive,
): Promise<string[]> {
  const left = (await listNamespaces(run)).filter((name) => {
    const owner = ownerOf(name)
    return owner !== null && !alive(owner)
  })
  for (const name of left) await removeNamespace(run, name)
  return left
}

export async function listNamespaces(run: Command): Promise<string[]> {
  const lines = (await run('ip', ['netns', 'list'])).split('\n')
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '')
}

function killAll(pids: string): void {
  for (const line of pids.split('\n')) {
    const pid = Number(line)
    if (!(pid > 1) || pid === process.pid) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
