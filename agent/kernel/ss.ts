import { execFile } from 'node:child_process'
import { isIP } from 'node:net'
import type { Connection } from '../ledger/connection.ts'
import { plainAddress } from './ss-parse.ts'

/** By which `ss` finds a connection: the near port, and the far end. */
export type Endpoints = Pick<Connection, 'destinationPort' | 'sourceAddress' | 'sourcePort'>

/** Runs `ss` over some connections and returns what it printed. */
export type RunSs = (connections: readonly Endpoints[]) => Promise<string>

/** `ss` is not there to be run, on this system or in this container. */
export class NoSsError extends Error {
  override readonly name = 'NoSsError'
}

/** Daemons are started with short paths; iproute2 is in one of these. */
const PLACES = ['ss', '/usr/sbin/ss', '/sbin/ss', '/usr/bin/ss', '/bin/ss']
/** One call reads a thousand sockets in some 20 ms. */
const TIMEOUT_MS = 2000
const MAX_OUTPUT = 4 * 2 ** 20

/**
 * `ss -tinOH` for exactly these connections: the kernel does the filtering, so a server with many established
 * connections does not have them all printed. Needs no privilege. Does not keep the process alive.
 * @throws NoSsError when there is none; otherwise as execFile.
 */
export async function runSs(connections: readonly Endpoints[]): Promise<string> {
  const filter = connections.filter(hasAddress).map(condition).join(' or ')
  if (filter === '') return ''
  for (const place of PLACES) {
    const output = await run(place, ['-tinOH', 'state', 'connected', `( ${filter} )`])
    if (output !== undefined) return output
  }
  throw new NoSsError('ss (iproute2) is not installed')
}

function condition({ destinationPort, sourceAddress, sourcePort }: Endpoints): string {
  const address = plainAddress(sourceAddress)
  const host = isIP(address) === 6 ? `[${address}]` : address
  return `( sport = :${destinationPort} and dst ${host}:${sourcePort} )`
}

function hasAddress({ sourceAddress, sourcePort }: Endpoints): boolean {
  return sourcePort > 0 && isIP(plainAddress(sourceAddress)) !== 0
}

/** What the program printed; undefined when there is no such program. */
function run(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT } as const
    const child = execFile(program, args, options, (error, stdout) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') resolve(undefined)
      else reject(error)
    })
    child.unref()
    for (const pipe of [child.stdin, child.stdout, child.stderr]) unref(pipe)
  })
}

/** A child's pipes are sockets, which the types do not say. */
function unref(pipe: object | null): void {
  if (pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
}
