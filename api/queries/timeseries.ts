import type { Queries } from '../bounded-store.ts'
import type { Decided } from '../comparison.ts'
import type { Window } from '../window.ts'
import { type Filter, OUTCOME_COUNTS, rollup, STEP } from './source.ts'

export type PointRow = Decided & {
  /** Start of the step, seconds since 1970. */
  start: number
  noise: number
  unknown: number
  clients: number
  failed_clients: number
  quantiles: (number | null)[]
}

type Asked = { window: Window; step_seconds: number; filter: Filter }

/** One row for each step with a handshake of the network. */
export function readPoints(store: Queries, { window, step_seconds, filter }: Asked): Promise<PointRow[]> {
  const columns = 'outcome, handshakes, clients, handshake_ms'
  const source = rollup('network', { window, columns, filter })
  return store.query<PointRow>(
    `
SELECT
  ${STEP} AS start,
  ${OUTCOME_COUNTS},
  uniqMergeIf(r.clients, r.outcome IN ('completed', 'failed')) AS clients,
  uniqMergeIf(r.clients, r.outcome = 'failed') AS failed_clients,
  quantilesTDigestMergeIf(0.5, 0.95)(r.handshake_ms, r.outcome = 'completed') AS quantiles
FROM ${source.sql} AS r
GROUP BY start
ORDER BY start`,
    { ...source.parameters, step: step_seconds },
  )
}

export type AllPointRow = Decided & { start: number; noise: number; unknown: number }

/** Handshakes of all networks by outcome, by step. */
export function readAllPoints(
  store: Queries,
  { window, step_seconds, filter }: Asked,
): Promise<AllPointRow[]> {
  const source = rollup('network', { window, columns: 'outcome, handshakes', filter })
  return store.query(
    `
SELECT ${STEP} AS start, ${OUTCOME_COUNTS}
FROM ${source.sql} AS r
GROUP BY start`,
    { ...source.parameters, step: step_seconds },
  )
}

export type Band = { low: number | null; high: number | null; steps: number }

/** Between which the network's own rates lie in nine of ten steps, and in how many steps it had one. */
export async function readBand(store: Queries, { window, step_seconds, filter }: Asked): Promise<Band> {
  const source = rollup('network', { window, columns: 'outcome, handshakes', filter })
  const [band] = await store.query<Band>(
    `
SELECT
  if(count() = 0, NULL, quantileExact(0.05)(rate)) AS low,
  if(count() = 0, NULL, quantileExact(0.95)(rate)) AS high,
  count() AS steps
FROM (
  SELECT ${STEP} AS start, ${OUTCOME_COUNTS}, completed / (completed + failed) AS rate
  FROM ${source.sql} AS r
  GROUP BY start
  HAVING completed + failed > 0
)`,
    { ...source.parameters, step: step_seconds },
  )
  return band ?? { low: null, high: null, steps: 0 }
}
