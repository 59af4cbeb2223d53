import type { Queries } from '../bounded-store.ts'
import type { Decided } from '../comparison.ts'
import { ceilTo, HOUR, MINUTE, type Window } from '../window.ts'
import { type Filter, OUTCOME_COUNTS, rollup } from './source.ts'

/** What is told of each network beside its counts: read for one page at a time, so that a long list stays quick. */
export type Details = {
  clients: number
  failed_clients: number
  /** Median and 95th percentile of completed handshakes, ms. */
  handshake_ms: { p50: number | null; p95: number | null }
  cause: { cause: string; share: number } | null
  past: Decided
  /** Success rates step by step; null where they were not asked for. */
  trend: (number | null)[] | null
}

type Network = { asn: number; label: string }
type Asked = {
  window: Window
  past: Window
  scope: Pick<Filter, 'site' | 'ip_version'>
  /** Steps of the trend at most; undefined for none. */
  trend?: number | undefined
}

/** Details of these networks. */
export async function readDetails(
  store: Queries,
  networks: readonly Network[],
  { window, past, scope, trend }: Asked,
): Promise<(network: Network) => Details> {
  const filter = { ...scope, asns: [...new Set(networks.map(({ asn }) => asn))] }
  if (networks.length === 0) return () => NOTHING
  const [clients, causes, pasts, trends] = await Promise.all([
    readClients(store, window, filter),
    readDominantCauses(store, window, filter),
    readDecided(store, past, filter),
    trend === undefined ? undefined : readTrends(store, { window, filter, steps: trend }),
  ])
  return (network) => {
    const key = networkKey(network)
    const cause = causes.get(key)
    return {
      ...(clients.get(key) ?? NO_CLIENTS),
      cause: cause === undefined ? null : { cause: cause.cause, share: cause.share },
      past: pasts.get(key) ?? { completed: 0, failed: 0 },
      trend: trends === undefined ? null : trends(key),
    }
  }
}

type ClientsRow = Network & {
  clients: number
  failed_clients: number
  quantiles: (number | null)[]
}

async function readClients(store: Queries, window: Window, filter: Filter) {
  const columns = 'asn, label, outcome, clients, handshake_ms'
  const source = rollup('network', { window, columns, filter })
  const rows = await store.query<ClientsRow>(
    `
SELECT
  asn,
  label,
  uniqMergeIf(r.clients, r.outcome IN ('completed', 'failed')) AS clients,
  uniqMergeIf(r.clients, r.outcome = 'failed') AS failed_clients,
  quantilesTDigestMergeIf(0.5, 0.95)(r.handshake_ms, r.outcome = 'completed') AS quantiles
FROM ${source.sql} AS r
GROUP BY asn, label`,
    source.parameters,
  )
  return byNetwork(rows, ({ clients, failed_clients, quantiles: [p50 = null, p95 = null] }) => ({
    clients,
    failed_clients,
    handshake_ms: { p50, p95 },
  }))
}

type CauseRow = Network & { cause: string; share: number }

/** The cause that most failures have; the first by name where two have as many. */
async function readDominantCauses(store: Queries, window: Window, filter: Filter) {
  const source = rollup('network', {
    window,
    columns: 'asn, label, cause, handshakes',
    filter: { ...filter, outcome: 'failed' },
  })
  const rows = await store.query<CauseRow>(
    `
SELECT asn, label, cause, failures / sum(failures) OVER (PARTITION BY asn, label) AS share
FROM (
  SELECT asn, label, cause, sum(r.handshakes) AS failures
  FROM ${source.sql} AS r
  GROUP BY asn, label, cause
)
ORDER BY failures DESC, cause
LIMIT 1 BY asn, label`,
    source.parameters,
  )
  return byNetwork(rows, (row) => row)
}

type TrendRow = Network & { step: number; rate: number }

/** The success rates of each network in equal steps of the window, as many as asked or fewer, the last one maybe shorter. */
async function readTrends(
  store: Queries,
  { window, filter, steps }: { window: Window; filter: Filter; steps: number },
): Promise<(key: string) => (number | null)[]> {
  const unit = window.rollup === 'minutes' ? MINUTE : HOUR
  const length = Math.max(unit, ceilTo((window.to - window.from) / steps, unit))
  const count = Math.ceil((window.to - window.from) / length)
  const source = rollup('network', { window, columns: 'asn, label, outcome, handshakes', filter })
  const rows = await store.query<TrendRow>(
    `
SELECT
  asn,
  label,
  intDiv(toUnixTimestamp(r.at) - {start:UInt32}, {length:UInt32}) AS step,
  ${OUTCOME_COUNTS},
  completed / (completed + failed) AS rate
FROM ${source.sql} AS r
GROUP BY asn, label, step
HAVING completed + failed > 0`,
    { ...source.parameters, start: window.from / 1_000, length: length / 1_000 },
  )
  const trends = new Map<string, (number | null)[]>()
  for (const row of rows) {
    const key = networkKey(row)
    const trend = trends.get(key) ?? Array<number | null>(count).fill(null)
    trend[row.step] = row.rate
    trends.set(key, trend)
  }
  return (key) => trends.get(key) ?? Array<number | null>(count).fill(null)
}

/** Completed and failed in a window, by network. */
async function readDecided(store: Queries, window: Window, filter: Filter) {
  const source = rollup('network', { window, columns: 'asn, label, outcome, handshakes', filter })
  const rows = await store.query<Network & Decided>(
    `SELECT asn, label, ${OUTCOME_COUNTS}\nFROM ${source.sql} AS r\nGROUP BY asn, label`,
    source.parameters,
  )
  return byNetwork(rows, ({ completed, failed }) => ({ completed, failed }))
}

function byNetwork<Row extends Network, T>(rows: readonly Row[], of: (row: Row) => T): Map<string, T> {
  return new Map(rows.map((row) => [networkKey(row), of(row)]))
}

function networkKey({ asn, label }: Network): string {
  return `${asn} ${label}`
}

const NO_CLIENTS = { clients: 0, failed_clients: 0, handshake_ms: { p50: null, p95: null } }
const NOTHING: Details = { ...NO_CLIENTS, cause: null, past: { completed: 0, failed: 0 }, trend: null }
