import { abortableSleep, type Feeder } from './feeder.ts'
import { MINUTE_MS } from './rhythm.ts'
import type { AgentEvents, Traffic } from './traffic.ts'

export type FeedProgress = {
  /** Events up to here are durable, ms since 1970. */
  through: number
  /** Share of the way from where this advance began to where it ends, 0–1. */
  done: number
  accepted: number
}

/** Carries traffic to a feeder, each handshake once, in order of time. */
export type Feed = {
  /** Where the next advance begins, ms since 1970. */
  readonly through: number
  /** Sends what was decided from there until `to` (not included), as fast as it is taken. */
  advance(to: number, onProgress?: (progress: FeedProgress) => void): Promise<void>
  /** Goes on in step with the clock until the signal aborts; then resolves. */
  follow(options: { signal: AbortSignal; now?: () => number; everyMs?: number }): Promise<void>
}

/** So many minutes make one round of batches. */
const MINUTES_AT_ONCE = 10
const EVERY_MS = 2000

export function createFeed({
  traffic,
  feeder,
  from,
}: {
  traffic: Traffic
  feeder: Feeder
  from: number
}): Feed {
  let through = from

  const advance: Feed['advance'] = async (to, onProgress = () => {}) => {
    const start = through
    let sending: Promise<unknown> = Promise.resolve()
    while (through < to) {
      const end = Math.min(to, (Math.floor(through / MINUTE_MS) + MINUTES_AT_ONCE) * MINUTE_MS)
      const round = eventsBetween(traffic, through, end)
      // The next round is made while this one is on its way, and no more than that is held.
      await sending
      onProgress({ through, done: (through - start) / (to - start), accepted: feeder.totals.accepted })
      sending = Promise.all(round.map(({ agent, events }) => feeder.send(agent, events)))
      // Awaited in the next round; should making that one throw first, this must not go unhandled.
      sending.catch(() => {})
      through = end
    }
    await sending
    onProgress({ through, done: 1, accepted: feeder.totals.accepted })
  }

  return {
    get through() {
      return through
    },
    advance,
    async follow({ signal, now = Date.now, everyMs = EVERY_MS }) {
      try {
        for (;;) {
          await advance(now())
          await abortableSleep(everyMs, signal)
        }
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
  }
}

function eventsBetween(traffic: Traffic, from: number, to: number): AgentEvents[] {
  const byAgent = traffic.agents.map((agent): AgentEvents => ({ agent, events: [] }))
  for (let minute = Math.floor(from / MINUTE_MS); minute * MINUTE_MS < to; minute += 1) {
    for (const [at, { events }] of traffic.eventsOfMinute(minute).entries()) {
      const inside = events.filter(({ decided_at }) => decided_at >= from && decided_at < to)
      byAgent[at]?.events.push(...inside)
    }
  }
  return byAgent
}
