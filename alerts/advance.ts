import type { Logger } from '../core/runtime/log.ts'
import type { Alert } from './alert.ts'
import type { AlertTable } from './alert-table.ts'
import { evaluateMinute, MINUTE, type State } from './evaluate.ts'
import type { ReadCounts } from './read-counts.ts'
import type { Rule } from './rule.ts'
import { askedOf, windowAt } from './window.ts'

const CHUNK_MINUTES = 60
const DAY = 24 * 3600

export type AdvanceNeeds = {
  readCounts: ReadCounts
  incidents: AlertTable['incidents']
  /** ms since 1970. */
  clock: () => number
  /** A pause longer than this is not caught up with: the counts are gone. */
  keptMs: number
  /** Since when this process takes events, seconds since 1970: before, a minute without any says nothing. */
  startedAt: number
  log: Logger
}

/** Where the evaluation stands after the minutes that were due, and the last state of every alert that changed in them. */
export type Advanced = { next: State; changes: Alert[] }

/** Evaluates from where the state stands up to the minute `due`, an hour of counts at a time; less when it is to stop. */
export type Advance = (rules: readonly Rule[], from: State, due: number) => Promise<Advanced>

export function createAdvance(
  { readCounts, incidents: readIncidents, clock, keptMs, startedAt, log }: AdvanceNeeds,
  isStopped: () => boolean,
): Advance {
  return async (rules, from, due) => {
    const oldest = Math.floor((clock() - keptMs) / 60_000) * MINUTE
    let next = { ...from, minute: Math.max(from.minute, Math.min(oldest, due - MINUTE)) }
    if (next.minute > from.minute && from.minute > 0)
      log.warn({ from: from.minute, to: next.minute }, 'minutes that are kept no longer are not evaluated')
    const changes = new Map<string, Alert>()
    const asked = askedOf(rules)
    while (next.minute < due && !isStopped()) {
      const first = next.minute + MINUTE
      const to = Math.min(first + CHUNK_MINUTES * MINUTE, due + MINUTE)
      const [counts, incidents] = await Promise.all([
        readCounts(first, to, asked),
        readIncidents(next.minute - DAY),
      ])
      if (asked.single !== undefined && counts.some(({ single }) => single === undefined))
        log.warn(
          { from: first, to },
          'rules by agent or server name are not evaluated for minutes whose handshakes are kept no longer',
        )
      for (let minute = first; minute < to; minute += MINUTE) {
        const window = windowAt(counts, minute, asked.back)
        const observed = minute >= startedAt
        const step = evaluateMinute(rules, next, { minute, window, incidents, observed })
        next = step.state
        for (const alert of step.changes) changes.set(alert.id, alert)
      }
    }
    return { next, changes: [...changes.values()] }
  }
}
