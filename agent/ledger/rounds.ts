import type { Clock } from '../clock.ts'
import type { KernelLooks } from '../kernel/looks.ts'
import type { Connection } from './connection.ts'
import { endingOfClosed } from './ending.ts'
import type { Ledger } from './ledger.ts'

/** No handshake younger than this is looked at: a healthy one is decided by then. */
const YOUNG_MS = 1000
/** The shortest time between two rounds. */
const PACE_MS = 50

/** Goes the rounds of the undecided handshakes: sets the deadline, has the kernel asked, finds the forgotten ones. */
export type Rounds = {
  /** A connection was accepted: be there in time for it. */
  expect(): void
  stop(): void
}

export type RoundsParts = {
  ledger: Ledger
  /** ms a handshake may take, 0 for no deadline. */
  handshakeTimeout: number
  /** Undefined when the kernel is not to be asked. */
  looks: KernelLooks | undefined
  clock: Clock
}

/**
 * One timer for all handshakes, and none while there are none: the book is in the order of accepts, so a round reads
 * from the oldest and stops at the first that is young. The timer never keeps the process alive.
 */
export function createRounds({ ledger, handshakeTimeout, looks, clock }: RoundsParts): Rounds {
  const deadline = handshakeTimeout === 0 ? Number.POSITIVE_INFINITY : handshakeTimeout
  const young = Math.min(YOUNG_MS, deadline, looks?.firstAge ?? YOUNG_MS)
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const arm = (delay: number) => {
    timer = setTimeout(round, delay)
    timer.unref()
  }

  function round(): void {
    timer = undefined
    const now = clock.steady()
    let next = Number.POSITIVE_INFINITY
    for (const connection of ledger.open.values()) {
      const age = now - connection.since
      if (age < young) {
        next = Math.min(next, young - age)
        break
      }
      next = Math.min(next, visit(connection, age))
    }
    looks?.start(now)
    if (ledger.open.size > 0 && !stopped) arm(Math.max(PACE_MS, Math.ceil(next)))
  }

  /** Does what is due for one connection; returns in how many ms to come again. */
  function visit(connection: Connection, age: number): number {
    if (connection.socket.destroyed) return visitGone(connection)
    const wait = looks?.visit(connection, age, deadline) ?? Number.POSITIVE_INFINITY
    if (age < deadline) return Math.min(wait, deadline - age, YOUNG_MS)
    if (wait < Number.POSITIVE_INFINITY) return wait
    // The server tells of the closed socket, and what name its ClientHello asked for; where it does not, a later round ends it.
    connection.overdue = true
    connection.socket.destroy()
    return PACE_MS
  }

  /** A closed socket whose end nobody told: the server tells within the same turn of the event loop, if it does. */
  function visitGone(connection: Connection): number {
    if (connection.gone) ledger.end(connection, endingOfClosed(connection.socket))
    connection.gone = true
    return PACE_MS
  }

  return {
    expect() {
      if (timer === undefined && !stopped) arm(young)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
