import type { Confidence } from '../../core/store/handshake-row.ts'
import type { Queries } from '../bounded-store.ts'
import { iso, type Window } from '../window.ts'
import { conditions, type Filter, rollup, STEP } from './source.ts'

export type CauseRow = {
  cause: string
  handshakes: number
  share: number
  clients: number
  /** Start of the first and last minute (or hour, in a long window) with it, seconds since 1970. */
  first: number
  last: number
}

/** Causes of one outcome of a network, the most frequent first. */
export function readCauses(store: Queries, window: Window, filter: Filter): Promise<CauseRow[]> {
  const source = rollup('network', { window, columns: 'cause, handshakes, clients', filter })
  return store.query<CauseRow>(
    `
SELECT *, handshakes / sum(handshakes) OVER () AS share
FROM (
  SELECT
    cause,
    sum(r.handshakes) AS handshakes,
    uniqMerge(r.clients) AS clients,
    toUnixTimestamp(min(r.at)) AS first,
    toUnixTimestamp(max(r.at)) AS last
  FROM ${source.sql} AS r
  GROUP BY cause
)
ORDER BY handshakes DESC, cause
LIMIT 100`,
    source.parameters,
  )
}

/** Start of the step in seconds since 1970, cause, handshakes. */
export type CausePointRow = { start: number; cause: string; handshakes: number }

/** Causes of one outcome of a network, by step; steps without any are left out. */
export function readCausePoints(
  store: Queries,
  { window, step_seconds, filter }: { window: Window; step_seconds: number; filter: Filter },
): Promise<CausePointRow[]> {
  const source = rollup('network', { window, columns: 'cause, handshakes', filter })
  return store.query<CausePointRow>(
    `
SELECT ${STEP} AS start, cause, sum(r.handshakes) AS handshakes
FROM ${source.sql} AS r
GROUP BY start, cause
ORDER BY start, cause`,
    { ...source.parameters, step: step_seconds },
  )
}

export type ExampleRow = {
  cause: string
  confidences: Record<Confidence, number>
  sampled: number
  id: string
  decided_at_ms: number
  evidence: string
}

/** Raw handshakes that examples and confidence are taken from: the latest so many. */
export const EXAMPLES_FROM = 10_000

/** The latest handshake of each cause, and how sure the conclusions were, among the latest raw ones. */
export function readExamples(store: Queries, window: Window, filter: Filter): Promise<ExampleRow[]> {
  const where = conditions(filter)
  return store.query<ExampleRow>(
    `
SELECT
  cause,
  map(
    'none', countIf(confidence = 'none'),
    'possible', countIf(confidence = 'possible'),
    'likely', countIf(confidence = 'likely'),
    'certain', countIf(confidence = 'certain')
  ) AS confidences,
  count() AS sampled,
  argMax(id, at) AS id,
  toUnixTimestamp64Milli(max(at)) AS decided_at_ms,
  argMax(evidence, at) AS evidence
FROM (
  SELECT cause, confidence, handshakes.id AS id, decided_at AS at, handshakes.evidence AS evidence
  FROM handshakes
  WHERE ${where.sql.join(' AND ')}
    AND decided_at >= {from:DateTime64(3, 'UTC')}
    AND decided_at < {to:DateTime64(3, 'UTC')}
  ORDER BY decided_at DESC
  LIMIT ${EXAMPLES_FROM}
)
GROUP BY cause`,
    { ...where.parameters, from: dateTime(window.from), to: dateTime(window.to) },
  )
}

/** As a DateTime64 parameter is written. */
export function dateTime(ms: number): string {
  return iso(ms).replace('T', ' ').replace('Z', '')
}
