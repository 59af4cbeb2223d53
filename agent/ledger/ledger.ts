import type { TLSSocket } from 'node:tls'
import type { ActiveEvent, ClosedEvent, ConnectionEvent } from '../../core/event/event.ts'
import type { Clock } from '../clock.ts'
import { beginEvent, type Connection, createConnection, isPeer } from './connection.ts'
import type { LedgerCounts } from './counts.ts'
import { type Ending, endingOf } from './ending.ts'
import { addFactsOnFailure, addSettledFacts, failureOf, type RawSocket, rawSocketOf } from './tls-socket.ts'

/** The book of undecided connections: each one accepted is entered once and leaves with exactly one deciding event. */
export type Ledger = {
  /** The undecided connections, oldest first. */
  readonly open: ReadonlyMap<object, Connection>
  readonly counts: LedgerCounts
  /** A connection was accepted. */
  accepted(socket: RawSocket): void
  /** Its handshake completed. */
  completed(socket: TLSSocket): void
  /** Its handshake failed: the server's `tlsClientError`. */
  failed(error: unknown, socket: TLSSocket): void
  /** Decides a connection for a reason of the agent's own. */
  end(connection: Connection, ending: Ending): void
}

export type LedgerParts = {
  site: string | undefined
  reportNew: boolean
  clock: Clock
  /** A name unique for all time, one per call. */
  nextId: () => string
  report: (event: ConnectionEvent) => void
}

export function createLedger({ site, reportNew, clock, nextId, report }: LedgerParts): Ledger {
  const open = new Map<object, Connection>()
  const counts: LedgerCounts = {
    accepted: 0,
    active: 0,
    closed: { timeout: 0, reset: 0, fin: 0, alert: 0, error: 0, agent_stopped: 0 },
  }

  /** Takes the connection under this TLS socket out of the book; undefined when it is decided already. */
  const take = (socket: TLSSocket): Connection | undefined => {
    const raw = rawSocketOf(socket)
    const connection = raw === undefined ? find(open, socket) : open.get(raw)
    if (connection !== undefined) open.delete(connection.socket)
    return connection
  }
  // The date of the decision is the accept's plus what the steady clock counted, so that a clock set back in between
  // can neither make it lie before the accept nor spoil the duration.
  const decidedAt = ({ openedAt, since }: Connection) => openedAt + Math.round(clock.steady() - since)

  const closedEvent = (connection: Connection, ending: Ending): ClosedEvent => {
    const own: Ending = connection.overdue ? { ended_by: 'timeout' } : ending
    counts.closed[own.ended_by] += 1
    const decided = { decided_at: decidedAt(connection) }
    return Object.assign(beginEvent(connection, 'closed', site), decided, own)
  }

  return {
    open,
    counts,
    accepted(socket) {
      if (open.has(socket)) return
      const connection = createConnection(socket, nextId(), clock.date(), clock.steady())
      open.set(socket, connection)
      counts.accepted += 1
      if (reportNew) report(beginEvent(connection, 'new', site))
    },
    completed(socket) {
      const connection = take(socket)
      if (connection === undefined) return
      counts.active += 1
      const event: Pending<ActiveEvent> = beginEvent(connection, 'active', site)
      event.decided_at = decidedAt(connection)
      addSettledFacts(event, socket)
      // The one field that was pending is there now.
      report(event as ActiveEvent)
    },
    failed(error, socket) {
      const connection = take(socket)
      if (connection === undefined) return
      const ending = endingOf(failureOf(error, socket))
      const event = closedEvent(connection, ending)
      addFactsOnFailure(event, socket, ending)
      report(event)
    },
    end(connection, ending) {
      if (open.delete(connection.socket)) report(closedEvent(connection, ending))
    },
  }
}

type Pending<E extends { decided_at: number }> = Omit<E, 'decided_at'> & { decided_at?: number }

function find(open: ReadonlyMap<object, Connection>, socket: TLSSocket): Connection | undefined {
  for (const connection of open.values()) if (isPeer(connection, socket)) return connection
  return undefined
}
