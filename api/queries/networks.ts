import { isIP } from 'node:net'
import type { Queries } from '../bounded-store.ts'
import { COMPARISON_SQL } from '../comparison.ts'
import type { Window } from '../window.ts'
import { type Filter, OUTCOME_COUNTS, rollup, type Sql } from './source.ts'

/** What networks can be sorted by: the expression, and whether it needs the past of every network. */
export const NETWORK_SORTS = {
  handshakes: { sql: 'handshakes', needsPast: false },
  completed: { sql: 'completed', needsPast: false },
  failed: { sql: 'failed', needsPast: false },
  noise: { sql: 'noise', needsPast: false },
  unknown: { sql: 'unknown', needsPast: false },
  success_rate: { sql: 'success_rate', needsPast: false },
  divergence: { sql: 'divergence', needsPast: true },
  excess_failures: { sql: 'excess_failures', needsPast: true },
  asn: { sql: 'asn', needsPast: false },
} as const
export type NetworkSort = keyof typeof NETWORK_SORTS

/** Sort key of a network: its figure (null when there is none), AS number, label. */
export type NetworkKey = readonly [value: number | null, asn: number, label: string]

export type NetworkRow = {
  asn: number
  label: string
  network: string
  completed: number
  failed: number
  noise: number
  unknown: number
  world_completed: number
  world_failed: number
  sort_value: number | null
}

/** Which of the networks to list; each is compared to all of them. */
export type NetworkFilter = {
  asns?: readonly number[] | undefined
  label?: string | undefined
  /** Part of a name or label, the beginning of an AS number or prefix, or an address or prefix that one of its prefixes overlaps. */
  search?: string | undefined
  outcome?: keyof typeof OUTCOME_SHARES | undefined
  min_outcome_share?: number | undefined
  max_outcome_share?: number | undefined
  min_success_rate?: number | undefined
  max_success_rate?: number | undefined
  min_handshakes?: number | undefined
  /** The cause that most of its failures have. */
  cause?: string | undefined
}

export type NetworksAsked = {
  window: Window
  past: Window
  /** Which handshakes count, for networks and the rest of the world alike. */
  scope: Pick<Filter, 'site' | 'ip_version'>
  where: NetworkFilter
  sort: NetworkSort
  order: 'asc' | 'desc'
  after?: NetworkKey | undefined
  limit: number
}

/** One page of networks by outcome, one row more than `limit`; the rest of the world is all networks but the row's. */
export function findNetworks(store: Queries, asked: NetworksAsked): Promise<NetworkRow[]> {
  const { sql, parameters } = networksSql(asked)
  return store.query<NetworkRow>(sql, parameters)
}

function networksSql(asked: NetworksAsked): Sql {
  const { window, scope, sort, order } = asked
  const counts = rollup('network', {
    window,
    columns: 'asn, label, network, outcome, handshakes',
    filter: scope,
  })
  const past = pastOf(asked)
  const wanted = filters(asked)
  return {
    sql: `
SELECT asn, label, network, completed, failed, noise, unknown, world_completed, world_failed, sort_value
FROM (
  SELECT
    *,
    completed + failed + noise + unknown AS handshakes,
    ${COMPARISON_SQL},
    toFloat64(${NETWORK_SORTS[sort].sql}) AS sort_value
  FROM (
    SELECT
      own.asn AS asn, own.label AS label, own.network AS network,
      own.completed AS completed, own.failed AS failed, own.noise AS noise, own.unknown AS unknown,
      sum(own.completed) OVER () - own.completed AS world_completed,
      sum(own.failed) OVER () - own.failed AS world_failed,
      past.completed AS past_completed, past.failed AS past_failed
    FROM (
      SELECT asn, label, anyLast(r.network) AS network, ${OUTCOME_COUNTS}
      FROM ${counts.sql} AS r
      GROUP BY asn, label
    ) AS own
    LEFT JOIN ${past.sql} AS past ON own.asn = past.asn AND own.label = past.label
  )
)
WHERE ${wanted.sql}
ORDER BY sort_value ${order === 'asc' ? 'ASC' : 'DESC'} NULLS LAST, asn, label
LIMIT {rows:UInt32}`,
    parameters: {
      ...counts.parameters,
      ...past.parameters,
      ...wanted.parameters,
      rows: asked.limit + 1,
    },
  }
}

/** Every network's past where it is sorted by; nothing where it is not, since the page's own is read afterwards. */
function pastOf({ past, scope, sort }: NetworksAsked): Sql {
  if (!NETWORK_SORTS[sort].needsPast) {
    const nothing = "toUInt32(0) AS asn, '' AS label, toUInt64(0) AS completed, toUInt64(0) AS failed"
    return { sql: `(SELECT ${nothing} WHERE 0)`, parameters: {} }
  }
  const source = rollup('network', {
    window: past,
    columns: 'asn, label, outcome, handshakes',
    filter: scope,
    name: 'past',
  })
  return {
    sql: `(
      SELECT asn, label, ${OUTCOME_COUNTS}
      FROM ${source.sql} AS r
      GROUP BY asn, label
    )`,
    parameters: source.parameters,
  }
}

/** An outcome's share of a network's handshakes. The text is ours: what comes from outside only chooses one. */
const OUTCOME_SHARES = {
  completed: 'completed / handshakes',
  failed: 'failed / handshakes',
  noise: 'noise / handshakes',
  unknown: 'unknown / handshakes',
} as const

function filters(asked: NetworksAsked): Sql {
  const { outcome, search: _search, cause: _cause, ...bounds } = asked.where
  const share = OUTCOME_SHARES[outcome ?? 'failed']
  const tests: Record<keyof typeof bounds, string> = {
    asns: 'asn IN {asns:Array(UInt32)}',
    label: 'label = {label:String}',
    min_outcome_share: `${share} >= {min_outcome_share:Float64}`,
    max_outcome_share: `${share} <= {max_outcome_share:Float64}`,
    min_success_rate: 'success_rate >= {min_success_rate:Float64}',
    max_success_rate: 'success_rate <= {max_success_rate:Float64}',
    min_handshakes: 'handshakes >= {min_handshakes:UInt64}',
  }
  const others = [searchTest(asked), causeTest(asked), afterKey(asked)]
  const sql = others.map((test) => test.sql)
  const parameters = Object.assign({}, ...others.map((test) => test.parameters))
  for (const [name, value] of Object.entries(bounds)) {
    if (value === undefined) continue
    sql.push(tests[name as keyof typeof bounds])
    parameters[name] = value
  }
  return { sql: sql.join('\n  AND '), parameters }
}

function searchTest({ where: { search }, window, scope }: NetworksAsked): Sql {
  if (search === undefined) return { sql: '1', parameters: {} }
  const tests = [
    'positionCaseInsensitiveUTF8(network, {search:String}) > 0',
    'positionCaseInsensitiveUTF8(label, {search:String}) > 0',
  ]
  const [, digits] = /^(?:AS)?(\d{1,10})$/i.exec(search) ?? []
  if (digits !== undefined) tests.push('startsWith(toString(asn), {search_asn:String})')
  const prefixes = prefixTest(search)
  const holders = rollup('prefix', { window, columns: 'asn, label, prefix', filter: scope })
  if (prefixes !== undefined) {
    tests.push(`(asn, label) IN (SELECT asn, label FROM ${holders.sql} AS r WHERE ${prefixes.sql})`)
  }
  return {
    sql: `(${tests.join(' OR ')})`,
    parameters: {
      search,
      ...(digits === undefined ? {} : { search_asn: digits }),
      ...(prefixes === undefined ? {} : { ...holders.parameters, ...prefixes.parameters }),
    },
  }
}

/** Prefixes that overlap a whole address or prefix, or begin with a part of one; nothing for what is no address at all. */
function prefixTest(search: string): Sql | undefined {
  if (!/^[0-9a-f]*[.:][0-9a-f.:]*(\/\d{1,3})?$/i.test(search)) return undefined
  const [network = '', length] = search.split('/')
  const version = isIP(network)
  const longest = version === 4 ? 32 : 128
  if (version === 0 || Number(length ?? longest) > longest) {
    return {
      sql: 'startsWith(r.prefix, {search_lower:String})',
      parameters: { search_lower: search.toLowerCase() },
    }
  }
  return {
    // The engine throws on text that is no prefix; the test before keeps it from that.
    sql: `position(r.prefix, '/') > 0 AND (
      isIPAddressInRange({search_network:String}, r.prefix)
      OR isIPAddressInRange(splitByChar('/', r.prefix)[1], {search_range:String}))`,
    parameters: { search_network: network, search_range: `${network}/${length ?? longest}` },
  }
}

/** Networks most of whose failures have the cause; of two that have as many, the first by name counts, as in the answer. */
function causeTest({ where: { cause }, window, scope }: NetworksAsked): Sql {
  if (cause === undefined) return { sql: '1', parameters: {} }
  const failures = rollup('network', {
    window,
    columns: 'asn, label, cause, handshakes',
    filter: { ...scope, outcome: 'failed' },
  })
  return {
    sql: `(asn, label) IN (
    SELECT asn, label
    FROM (
      SELECT asn, label, cause, sum(r.handshakes) AS failures
      FROM ${failures.sql} AS r
      GROUP BY asn, label, cause
      ORDER BY failures DESC, cause
      LIMIT 1 BY asn, label
    )
    WHERE cause = {cause:String}
  )`,
    parameters: { ...failures.parameters, cause },
  }
}

/** What comes after a key in the order of the query: networks without a figure stand last in both directions. */
function afterKey({ after, order }: NetworksAsked): Sql {
  if (after === undefined) return { sql: '1', parameters: {} }
  const [value, asn, label] = after
  const rest = '(asn, label) > ({after_asn:UInt32}, {after_label:String})'
  const parameters = { after_asn: asn, after_label: label }
  if (value === null) return { sql: `(sort_value IS NULL AND ${rest})`, parameters }
  const beyond = order === 'asc' ? '>' : '<'
  return {
    sql: `(sort_value IS NULL OR sort_value ${beyond} {after_value:Float64}
    OR (sort_value = {after_value:Float64} AND ${rest}))`,
    parameters: { ...parameters, after_value: value },
  }
}
