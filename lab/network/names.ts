import { readFileSync } from 'node:fs'

/**
 * Namespaces are named `hs-<pid>-<start>-<host>`: the process that owns them, told apart by its start time from
 * a later process with the same pid, so that what a dead run left behind can be recognised and removed.
 */
export type Owner = { pid: number; start: string }

const NAME = /^hs-(\d+)-([0-9a-z]+)-[a-z0-9-]+$/

export function namespaceName(owner: Owner, host: string): string {
  return `hs-${owner.pid}-${owner.start}-${host}`
}

/** Who owns a namespace, or null when it is none of ours. */
export function ownerOf(namespace: string): Owner | null {
  const [, pid, start] = NAME.exec(namespace) ?? []
  return pid === undefined || start === undefined ? null : { pid: Number(pid), start }
}

/** The process as owner. @throws when there is no such process. */
export function asOwner(pid: number, readStat: (pid: number) => string = readProcessStat): Owner {
  // proc(5): field 22 is the start time; field 2 is a name in brackets that may hold spaces.
  const stat = readStat(pid)
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  if (start === undefined) throw new Error(`/proc/${pid}/stat has no start time`)
  return { pid, start: Number(start).toString(36) }
}

export function isAlive(owner: Owner, readStat: (pid: number) => string = readProcessStat): boolean {
  try {
    return asOwner(owner.pid, readStat).start === owner.start
  } catch {
    return false
  }
}

function readProcessStat(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
}
