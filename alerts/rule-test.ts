import type { Store } from '../core/store/store.ts'
import { replay } from '../detector/backtest.ts'
import { createIncidentDescriber } from '../detector/describe-incident.ts'
import { describedIncident, type Incident } from '../detector/incident.ts'
import { createMinuteReader } from '../detector/read-minutes.ts'
import type { Alert } from './alert.ts'
import { backtest } from './backtest.ts'
import { createCountReader, type Kept, singleKeptFrom } from './read-counts.ts'
import type { Rule } from './rule.ts'
import { askedOf } from './window.ts'

/** What rules would have found from `from` up to, not including, `to`: seconds since 1970. */
export type Tested = {
  from: number
  to: number
  /** Last states, in the order in which they fired. */
  alerts: Alert[]
  /** From when on rules by agent or server name are judged, where that is later than `from`; else undefined. */
  single_from: number | undefined
  /** How many alerts each rule gave, and how many that is a day. */
  rules: { id: string; alerts: number; a_day: number }[]
}

/**
 * Tests rules on what is stored: the detector is replayed over it, and every minute judged as it is judged live. Reads
 * only, an hour at a time. Undefined when nothing is stored; what is older than everything stored is left out.
 */
export async function testRules({
  rules,
  store,
  from,
  to,
  historyMs,
  kept,
  onProgress = () => undefined,
  afterMinute = () => undefined,
}: {
  rules: readonly Rule[]
  store: Pick<Store, 'query'>
  from: number
  to: number
  /** What the detector has seen before it judges, ms. */
  historyMs: number
  kept: Kept
  onProgress?: (doing: 'detecting' | 'evaluating', share: number) => void
  afterMinute?: () => Promise<void> | undefined
}): Promise<Tested | undefined> {
  const first = await firstMinute(store)
  if (first === undefined) return undefined
  const start = Math.min(Math.max(from, first), to)
  const incidents = rules.some(({ what }) => what.kind === 'divergence')
    ? await replayed(store, {
        from: start,
        begin: Math.max(start - historyMs / 1_000, first),
        to,
        onProgress: (share) => onProgress('detecting', share),
        afterMinute,
      })
    : []
  const alerts = await backtest({
    rules,
    readCounts: createCountReader(store, kept),
    incidents,
    from: start,
    to,
    onProgress: (share) => onProgress('evaluating', share),
    afterMinute,
  })
  const single = singleKeptFrom(kept)
  const single_from = askedOf(rules).single !== undefined && start < single ? single : undefined
  return { from: start, to, single_from, alerts, rules: countsOf(rules, alerts, (to - start) / 86_400) }
}

/** The end of what is judged live at this time, seconds since 1970. */
export function lastJudgedMinute(nowMs: number, watermarkMs: number): number {
  return Math.floor((nowMs - watermarkMs) / 60_000) * 60
}

/** An alert of a test as it is told: with times as ISO 8601. */
export function testedAlert(alert: Alert) {
  const { minute: _, receivers: _receivers, ...told } = alert
  return {
    ...told,
    started_at: timeText(alert.started_at),
    fired_at: timeText(alert.fired_at),
    resolved_at: alert.resolved_at === 0 ? null : timeText(alert.resolved_at),
  }
}

export function timeText(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
}

function countsOf(rules: readonly Rule[], alerts: readonly Alert[], days: number): Tested['rules'] {
  const counts = new Map<string, number>()
  for (const { rule } of alerts) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  return rules.map(({ id }) => {
    const own = counts.get(id) ?? 0
    return { id, alerts: own, a_day: days > 0 ? own / days : 0 }
  })
}

async function firstMinute(store: Pick<Store, 'query'>): Promise<number | undefined> {
  const [row] = await store.query<{ first: number; rows: number }>(
    'SELECT toUnixTimestamp(min(minute)) AS first, count() AS rows FROM minutes_by_network',
  )
  return row === undefined || row.rows === 0 ? undefined : row.first
}

/** Incidents that were open in the time asked for, from a detector that knows the time before it. */
async function replayed(
  store: Pick<Store, 'query'>,
  {
    from,
    begin,
    to,
    onProgress,
    afterMinute,
  }: {
    from: number
    begin: number
    to: number
    onProgress: (share: number) => void
    afterMinute: () => Promise<void> | undefined
  },
): Promise<Incident[]> {
  const read = createMinuteReader(store)
  const { incidents } = await replay({ read, from: begin, to, onProgress, afterMinute })
  const describe = createIncidentDescriber(store)
  const described: Incident[] = []
  for (const incident of incidents) {
    if (incident.closed_at !== 0 && incident.closed_at <= from) continue
    described.push(describedIncident(incident, await describe(incident)))
    await afterMinute()
  }
  return described
}
