import type { Socket } from 'node:net'
import { runSs } from '../agent/kernel/ss.ts'
import { connectionKey, parseSs } from '../agent/kernel/ss-parse.ts'
import type { TcpFacts } from '../core/event/event.ts'

/** What Linux knows of a connection of ours; undefined where `ss` does not run. */
export async function kernelFacts(socket: Socket): Promise<TcpFacts | undefined> {
  return (await look(socket))?.facts
}

/** Whether the other side acknowledged everything that was written; undefined where that cannot be known. */
export async function isAcknowledged(socket: Socket): Promise<boolean | undefined> {
  const seen = await look(socket)
  return seen === undefined ? undefined : seen.queued === 0
}

async function look(socket: Socket): Promise<{ facts: TcpFacts; queued: number } | undefined> {
  const { localPort, remoteAddress, remotePort } = socket
  if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) return undefined
  try {
    // `ss` names a connection by the near port and the far end, whichever of them is the server.
    const output = await runSs([
      { destinationPort: localPort, sourceAddress: remoteAddress, sourcePort: remotePort },
    ])
    const facts = parseSs(output).get(connectionKey(localPort, remoteAddress, remotePort))
    const queued = /^\S+\s+\d+\s+(\d+)\s/m.exec(output)?.[1]
    return facts === undefined || queued === undefined ? undefined : { facts, queued: Number(queued) }
  } catch {
    // No `ss` on this system: the report says what is not known for want of it.
    return undefined
  }
}
