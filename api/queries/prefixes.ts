import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'
import { conditions, type Filter, OUTCOME_COUNTS, rollup, type Sql } from './source.ts'

export const PREFIX_SORTS = {
  failed: 'failed',
  handshakes: 'completed + failed + noise + unknown',
  success_rate: 'if(completed + failed > 0, completed / (completed + failed), NULL)',
} as const
export type PrefixSort = keyof typeof PREFIX_SORTS

/** Sort key of a prefix: its figure (null when there is none), prefix, label. */
export type PrefixKey = readonly [value: number | null, prefix: string, label: string]

export type PrefixRow = {
  prefix: string
  label: string
  ip_version: 4 | 6
  completed: number
  failed: number
  noise: number
  unknown: number
  /** Failed handshakes of all prefixes that meet the filter. */
  all_failed: number
  sort_value: number | null
}

export type PrefixesAsked = {
  window: Window
  filter: Filter
  sort: PrefixSort
  order: 'asc' | 'desc'
  after?: PrefixKey | undefined
  limit: number
}

/** One page of a network's prefixes, one row more than `limit`. */
export function findPrefixes(store: Queries, asked: PrefixesAsked): Promise<PrefixRow[]> {
  const { window, filter, sort, order, limit } = asked
  const columns = 'prefix, label, ip_version, outcome, handshakes'
  const source = rollup('prefix', { window, columns, filter })
  const after = afterKey(asked)
  return store.query<PrefixRow>(
    `
SELECT *
FROM (
  SELECT *, sum(failed) OVER () AS all_failed, toFloat64(${PREFIX_SORTS[sort]}) AS sort_value
  FROM (
    SELECT prefix, label, any(r.ip_version) AS ip_version, ${OUTCOME_COUNTS}
    FROM ${source.sql} AS r
    GROUP BY prefix, label
  )
)
WHERE ${after.sql}
ORDER BY sort_value ${order === 'asc' ? 'ASC' : 'DESC'} NULLS LAST, prefix, label
LIMIT {rows:UInt32}`,
    { ...source.parameters, ...after.parameters, rows: limit + 1 },
  )
}

type Prefix = { prefix: string; label: string }
export type PrefixDetails = { cause: { cause: string; share: number } | null; failed_clients: number }

/** The dominant cause and the failing clients of these prefixes. */
export async function readPrefixDetails(
  store: Queries,
  page: readonly Prefix[],
  { window, filter }: { window: Window; filter: Filter },
): Promise<(prefix: Prefix) => PrefixDetails> {
  if (page.length === 0) return () => ({ cause: null, failed_clients: 0 })
  const prefixes = [...new Set(page.map(({ prefix }) => prefix))]
  const [causes, clients] = await Promise.all([
    readDominantCauses(store, { window, filter, prefixes }),
    readFailedClients(store, { window, filter, prefixes }),
  ])
  const causeOf = byPrefix(causes)
  const clientsOf = byPrefix(clients)
  return (prefix) => {
    const cause = causeOf.get(keyOf(prefix))
    return {
      cause: cause === undefined ? null : { cause: cause.cause, share: cause.share },
      failed_clients: clientsOf.get(keyOf(prefix))?.failed_clients ?? 0,
    }
  }
}

type Page = { window: Window; filter: Filter; prefixes: readonly string[] }

function readDominantCauses(store: Queries, { window, filter, prefixes }: Page) {
  const source = rollup('prefix', {
    window,
    columns: 'prefix, label, cause, handshakes',
    filter: { ...filter, outcome: 'failed' },
  })
  return store.query<Prefix & { cause: string; share: number }>(
    `
SELECT prefix, label, cause, failures / sum(failures) OVER (PARTITION BY prefix, label) AS share
FROM (
  SELECT prefix, label, cause, sum(r.handshakes) AS failures
  FROM ${source.sql} AS r
  WHERE prefix IN {prefixes:Array(String)}
  GROUP BY prefix, label, cause
)
ORDER BY failures DESC, cause
LIMIT 1 BY prefix, label`,
    { ...source.parameters, prefixes },
  )
}

/** Counted exactly: the table holds failures only. */
function readFailedClients(store: Queries, { window, filter, prefixes }: Page) {
  const where = conditions(filter)
  return store.query<Prefix & { failed_clients: number }>(
    `
SELECT prefix, label, uniqExact(client) AS failed_clients
FROM failed_clients_by_minute
WHERE ${[...where.sql, 'prefix IN {prefixes:Array(String)}'].join(' AND ')}
  AND minute >= toDateTime({from:UInt32}, 'UTC')
  AND minute < toDateTime({to:UInt32}, 'UTC')
GROUP BY prefix, label`,
    { ...where.parameters, prefixes, from: window.from / 1_000, to: window.to / 1_000 },
  )
}

function afterKey({ after, order }: PrefixesAsked): Sql {
  if (after === undefined) return { sql: '1', parameters: {} }
  const [value, prefix, label] = after
  const rest = '(prefix, label) > ({after_prefix:String}, {after_label:String})'
  const parameters = { after_prefix: prefix, after_label: label }
  if (value === null) return { sql: `(sort_value IS NULL AND ${rest})`, parameters }
  const beyond = order === 'asc' ? '>' : '<'
  return {
    sql: `(sort_value IS NULL OR sort_value ${beyond} {after_value:Float64}
    OR (sort_value = {after_value:Float64} AND ${rest}))`,
    parameters: { ...parameters, after_value: value },
  }
}

function byPrefix<Row extends Prefix>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]))
}

function keyOf({ prefix, label }: Prefix): string {
  return `${prefix} ${label}`
}
