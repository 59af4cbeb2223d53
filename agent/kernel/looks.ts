import type { Connection } from '../ledger/connection.ts'
import type { AgentLog, Once } from '../log.ts'
import { NoSsError, type RunSs } from './ss.ts'
import { connectionKey, parseSs } from './ss-parse.ts'

/** Ages at which a handshake that is not done counts as stalled, ms. */
const STALLED_MS = [1000, 3000]
/** How long before the deadline the last look is due, ms; less where the deadline itself is short. */
const LAST_LOOK_MS = 750
/** How long past its deadline a handshake is kept for its last look, ms. */
const PATIENCE_MS = 750
/** The shortest time from one call of `ss` to the next, ms. */
const GAP_MS = 500
/** Connections in one call; the rest has its turn at the next. */
const MOST = 512

/** Looks at what the kernel knows of stalled handshakes: never more than one call at a time, none when none stalls. */
export type KernelLooks = {
  /** The age at which the first look is due, ms. */
  readonly firstAge: number
  readonly counts: { looks: number; failed: number }
  /** Queues a connection if a look is due; returns in how many ms it should be visited again, Infinity for no need. */
  visit(connection: Connection, age: number, deadline: number): number
  /** Takes the look that is due, if one may be taken now. */
  start(now: number): void
}

export type KernelLooksParts = { handshakeTimeout: number; run: RunSs; log: AgentLog; once: Once }

export function createKernelLooks({ handshakeTimeout, run, log, once }: KernelLooksParts): KernelLooks {
  const ages = agesOfLooks(handshakeTimeout)
  const counts = { looks: 0, failed: 0 }
  let due: Connection[] = []
  let busy = false
  let absent = false
  let last = Number.NEGATIVE_INFINITY

  async function look(connections: readonly Connection[]): Promise<void> {
    try {
      const readings = parseSs(await run(connections))
      for (const connection of connections) {
        const { destinationPort, sourceAddress, sourcePort } = connection
        connection.tcp =
          readings.get(connectionKey(destinationPort, sourceAddress, sourcePort)) ?? connection.tcp
      }
      counts.looks += 1
    } catch (error) {
      counts.failed += 1
      absent = error instanceof NoSsError
      const reason = error instanceof Error ? error.message : String(error)
      once.say('ss', () => log.warn({ reason }, `no kernel evidence on stalled handshakes: ${reason}`))
    }
  }

  return {
    firstAge: ages[0] ?? STALLED_MS[0] ?? 1000,
    counts,
    visit(connection, age, deadline) {
      if (absent) return Number.POSITIVE_INFINITY
      const passed = ages.filter((at) => at <= age).length
      if (connection.looks < passed) {
        due.push(connection)
        // Past the deadline it is kept for the look it still waits for, but not for ever.
        return age < deadline + PATIENCE_MS ? GAP_MS / 4 : Number.POSITIVE_INFINITY
      }
      if (busy && age >= deadline && age < deadline + PATIENCE_MS) return GAP_MS / 4
      const next = ages[passed]
      return next === undefined || age >= deadline ? Number.POSITIVE_INFINITY : next - age
    },
    start(now) {
      const connections = due.slice(0, MOST)
      due = []
      if (connections.length === 0 || busy || now - last < GAP_MS) return
      last = now
      busy = true
      for (const connection of connections) {
        connection.looks = ages.filter((at) => at <= now - connection.since).length
      }
      void look(connections).finally(() => {
        busy = false
      })
    },
  }
}

function agesOfLooks(handshakeTimeout: number): number[] {
  if (handshakeTimeout === 0) return STALLED_MS
  const last = handshakeTimeout - Math.min(LAST_LOOK_MS, handshakeTimeout / 4)
  return [...STALLED_MS.filter((age) => age < last), last]
}
