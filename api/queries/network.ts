import type { Confidence, Outcome, PostQuantum, Stage } from '../../core/store/handshake-row.ts'
import type { Queries } from '../bounded-store.ts'
import type { Decided } from '../comparison.ts'
import type { Window } from '../window.ts'
import { conditions, type Filter, OUTCOME_COUNTS, rollup } from './source.ts'

export type HelloSize = 'unknown' | 'to_500' | 'to_1200' | 'to_1460' | 'larger'

/** How many handshakes of one network had the same outcome, stage, size and so on. */
export type Cell = {
  outcome: Outcome
  stage: Stage
  hello_size: HelloSize
  hello_post_quantum: PostQuantum
  site: string
  ip_version: 4 | 6
  handshakes: number
}

export type Seen = {
  network: string
  /** Start of the first and last hour with a handshake, seconds since 1970. */
  first: number
  last: number
  labels: { label: string; handshakes: number }[]
}

export type { Confidence }

/** What is known of a network at all, or undefined when it was never seen. */
export async function readSeen(
  store: Queries,
  filter: Pick<Filter, 'asns' | 'label'>,
): Promise<Seen | undefined> {
  const where = conditions(filter)
  const rows = await store.query<{
    label: string
    network: string
    handshakes: number
    first: number
    last: number
  }>(
    `
SELECT
  label,
  anyLast(r.network) AS network,
  sum(r.handshakes) AS handshakes,
  toUnixTimestamp(min(hour)) AS first,
  toUnixTimestamp(max(hour)) AS last
FROM hours_by_network AS r
WHERE ${where.sql.join(' AND ')}
GROUP BY label
ORDER BY handshakes DESC, label`,
    where.parameters,
  )
  const [largest] = rows
  if (largest === undefined) return undefined
  return {
    network: largest.network,
    first: Math.min(...rows.map(({ first }) => first)),
    last: Math.max(...rows.map(({ last }) => last)),
    labels: rows.map(({ label, handshakes }) => ({ label, handshakes })),
  }
}

/** Everything counted of a network in a window: breakdowns by any column are sums over these. */
export function readCells(store: Queries, window: Window, filter: Filter): Promise<Cell[]> {
  const keys = 'outcome, stage, hello_size, hello_post_quantum, site, ip_version'
  const source = rollup('network', { window, columns: `${keys}, handshakes`, filter })
  return store.query<Cell>(
    `
SELECT ${keys}, sum(r.handshakes) AS handshakes
FROM ${source.sql} AS r
GROUP BY ${keys}`,
    source.parameters,
  )
}

export type Clients = {
  clients: number
  failed_clients: number
  quantiles: (number | null)[]
}

export async function readClientsOf(
  store: Queries,
  window: Window,
  filter: Filter,
): Promise<Clients | undefined> {
  const source = rollup('network', { window, columns: 'outcome, clients, handshake_ms', filter })
  const [row] = await store.query<Clients>(
    `
SELECT
  uniqMergeIf(r.clients, r.outcome IN ('completed', 'failed')) AS clients,
  uniqMergeIf(r.clients, r.outcome = 'failed') AS failed_clients,
  quantilesTDigestMergeIf(0.5, 0.95)(r.handshake_ms, r.outcome = 'completed') AS quantiles
FROM ${source.sql} AS r`,
    source.parameters,
  )
  return row
}

/** Completed and failed of everything that meets the filter. */
export async function readDecidedOf(store: Queries, window: Window, filter: Filter): Promise<Decided> {
  const source = rollup('network', { window, columns: 'outcome, handshakes', filter })
  const [row] = await store.query<Decided>(
    `SELECT ${OUTCOME_COUNTS}\nFROM ${source.sql} AS r`,
    source.parameters,
  )
  return row ?? { completed: 0, failed: 0 }
}
