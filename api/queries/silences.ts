import {
  type Matched,
  type Matchers,
  openMatchers,
  type Silence,
  type SilenceState,
} from '../../alerts/silence.ts'
import { SILENCE_END, SILENCES, type SilenceRow, silenceOf } from '../../alerts/silence-table.ts'
import type { Queries } from '../bounded-store.ts'

/** Of so many alerts that fire, the newest, it is asked whether a silence names them. */
const MOST_FIRING = 10_000

const CONDITIONS: Record<SilenceState, string> = {
  pending: `silences.starts_at > ${at('now')} AND ${SILENCE_END} > ${at('now')}`,
  active: `silences.starts_at <= ${at('now')} AND ${SILENCE_END} > ${at('now')}`,
  ended: `${SILENCE_END} <= ${at('now')}`,
}

/** Silences in a state at a time, the one ordered last first. */
export async function findSilences(
  store: Queries,
  {
    state,
    now,
    after,
    limit,
  }: {
    state: SilenceState | undefined
    now: number
    after?: readonly [created_at: number, id: string] | undefined
    limit: number
  },
): Promise<Silence[]> {
  const where = [
    state === undefined ? '1' : CONDITIONS[state],
    after === undefined ? '1' : `(silences.created_at, id) < (${at('after_created_at')}, {after_id:String})`,
  ]
  const rows = await store.query<SilenceRow>(
    `${SILENCES}
WHERE ${where.join('\n  AND ')}
ORDER BY silences.created_at DESC, id DESC
LIMIT {rows:UInt32}`,
    {
      rows: limit,
      ...(state !== undefined && { now }),
      ...(after !== undefined && { after_created_at: after[0], after_id: after[1] }),
    },
  )
  return rows.map(silenceOf)
}

/** How many silences are not over. */
export async function countSilences(store: Queries, now: number): Promise<number> {
  const [row] = await store.query<{ n: number }>(
    `SELECT count() AS n FROM silences FINAL WHERE ${SILENCE_END} > ${at('now')}`,
    { now },
  )
  return row?.n ?? 0
}

/** Ids of alerts that fire now and that these matchers name, the newest first. */
export async function matching(store: Queries, matchers: Matchers): Promise<string[]> {
  const matches = openMatchers(matchers)
  const firing = await store.query<Matched & { id: string }>(FIRING, { rows: MOST_FIRING })
  return firing.filter(matches).map(({ id }) => id)
}

const FIRING = `
SELECT id, rule, severity, asn, label, prefix, site
FROM alerts FINAL
WHERE alerts.state = 'firing'
ORDER BY alerts.fired_at DESC, id DESC
LIMIT {rows:UInt32}`

function at(parameter: string): string {
  return `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`
}
