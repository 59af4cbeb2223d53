import type { DecidingEvent } from '../../core/event/index.ts'
import { visitsOf } from './minute.ts'
import { AGENTS_PER_SITE, type Placed } from './placed.ts'
import { type Population, SITES } from './population.ts'
import { MINUTE_MS } from './rhythm.ts'

/** From when to when a network's path swallows large packets; times in ms since 1970. */
export type Incident = {
  /** Which network; the population's `victim` when absent. */
  asn?: number
  from: number
  /** When it heals; never when absent. */
  until?: number
}

export type AgentEvents = { agent: string; events: DecidingEvent[] }

export type Traffic = {
  /** The agents that report it, two at each site. */
  readonly agents: readonly string[]
  /**
   * The handshakes decided in a minute (minutes since 1970), by agent, in order of decision. The same minute gives
   * the same events however often and in whatever order it is asked for.
   */
  eventsOfMinute(minute: number): AgentEvents[]
}

/**
 * Traffic of a population, minute by minute.
 * @param idPrefix makes connection ids unique when the same seed is fed to the same store twice.
 */
export function createTraffic({
  population,
  incidents = [],
  idPrefix = 'sim',
}: {
  population: Population
  incidents?: readonly Incident[]
  idPrefix?: string
}): Traffic {
  const agents = SITES.flatMap((site) =>
    Array.from({ length: AGENTS_PER_SITE }, (_, at) => `${site}-edge-${at + 1}`),
  )
  const begun = new Map<number, Placed[]>()
  /** Events of the visits that begin in a minute, kept for the minute after: a visit with all retries ends by then. */
  const begunIn = (minute: number): Placed[] => {
    const kept = begun.get(minute) ?? visitsOf({ population, incidents, idPrefix, minute })
    for (const old of begun.keys()) if (Math.abs(old - minute) > 1) begun.delete(old)
    begun.set(minute, kept)
    return kept
  }
  return {
    agents,
    eventsOfMinute(minute) {
      const start = minute * MINUTE_MS
      const decided = [...begunIn(minute - 1), ...begunIn(minute)]
        .filter(({ event }) => event.decided_at >= start && event.decided_at < start + MINUTE_MS)
        .sort((a, b) => a.event.decided_at - b.event.decided_at)
      const events = agents.map((agent): AgentEvents => ({ agent, events: [] }))
      for (const { agent, event } of decided) events[agent]?.events.push(event)
      return events
    },
  }
}
