import type { Store } from '../core/store/store.ts'
import type { Alert } from './alert.ts'
import { isNarrow } from './counts.ts'
import { IS_NAMED, namedParameters } from './named-handshakes.ts'
import type { Rule } from './rule.ts'
import { isThreshold } from './window.ts'

/** What the store knows of an alert's subject since it began. */
export type Facts = {
  /** The network's name in the address database, '' when it is not known or there are several. */
  network: string
  completed: number
  failed: number
  failing_prefixes: number
  failing_clients: number
  /** The most frequent cause of failure and its share of the failures; '' when nothing failed. */
  cause: string
  cause_share: number
  /** What the cause rests on, of the last handshake that failed for it. */
  evidence: string
}

export const NO_FACTS: Facts = {
  network: '',
  completed: 0,
  failed: 0,
  failing_prefixes: 0,
  failing_clients: 0,
  cause: '',
  cause_share: 0,
  evidence: '',
}

/** Of an alert by this rule; undefined when the rule is no more. */
export type FindFacts = (alert: Alert, rule: Rule | undefined) => Promise<Facts>

/** Asks the rollups; single handshakes for one line of evidence, and for rules by agent or server name. */
export function createFactFinder(store: Pick<Store, 'query'>): FindFacts {
  return async (alert, rule) => {
    const { scope, asn, label, prefix, site, incident, started_at, resolved_at, minute } = alert
    const to = resolved_at > 0 ? resolved_at : minute + 60
    const who = rule !== undefined && isThreshold(rule) ? rule.who : EVERYTHING
    const { sites, ip_version = 0 } = who
    const about = {
      ...{ asn, label, prefix, site, incident, from: Math.min(started_at, to - 60), to },
      ...{ sites, ip_version, ...namedParameters(who) },
    }
    const where = `${whereOf(scope)} AND ${STRATUM}`
    const source = isNarrow(who) ? SINGLE : 'minutes_by_prefix'
    const [[counts], [cause]] = await Promise.all([
      store.query<Counts>(countsOf(source, where), about),
      store.query<{ cause: string; failures: number }>(causeOf(source, where), about),
    ])
    const [named] = asn === 0 ? [] : await store.query<{ network: string }>(NETWORK, about)
    const [evidence] =
      cause === undefined
        ? []
        : await store.query<{ evidence: string }>(evidenceOf(`${where} AND ${IS_NAMED}`), {
            ...about,
            cause: cause.cause,
          })
    return {
      ...NO_FACTS,
      ...counts,
      network: named?.network ?? '',
      cause: cause?.cause ?? '',
      cause_share: cause === undefined ? 0 : cause.failures / Math.max(1, counts?.failed ?? 0),
      evidence: evidence?.evidence ?? '',
    }
  }
}

type Counts = Pick<Facts, 'completed' | 'failed' | 'failing_prefixes' | 'failing_clients'>

function whereOf(scope: Alert['scope']): string {
  switch (scope) {
    case 'world':
      return '1'
    case 'site':
      return 'site = {site:String}'
    case 'network':
      return 'asn = {asn:UInt32} AND label = {label:String}'
    case 'prefix':
      return "isIPAddressInRange(splitByChar('/', prefix)[1], {prefix:String})"
    case 'networks':
      return MEMBERS
    default:
      return scope satisfies never
  }
}

/** Those that the incident names as its members. */
const MEMBERS = `has(
  (SELECT argMax(members, version) FROM incidents WHERE id = {incident:String}),
  trimBoth(concat(if(asn > 0, concat('AS', toString(asn)), ''), ' ', label))
)`

const WINDOW = 'minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32})'

const EVERYTHING = { sites: [], ip_version: undefined, agents: [], server_names: [] }

/** What the rule narrows its subjects by. */
const STRATUM = `(empty({sites:Array(String)}) OR site IN {sites:Array(String)})
  AND ({ip_version:UInt8} = 0 OR ip_version = {ip_version:UInt8})`

/** Single handshakes in the shape of minutes_by_prefix. */
const SINGLE = `(
  SELECT
    toStartOfMinute(decided_at) AS minute, asn, label, prefix, site, ip_version, outcome, cause,
    count() AS handshakes,
    groupBitmapState(toUInt32(client)) AS clients
  FROM handshakes
  WHERE decided_at >= toDateTime({from:UInt32}) AND decided_at < toDateTime({to:UInt32})
    AND ${IS_NAMED}
  GROUP BY ALL
) AS minutes_by_prefix`

const countsOf = (source: string, where: string) => `
SELECT
  sumIf(handshakes, outcome = 'completed') AS completed,
  sumIf(handshakes, outcome = 'failed') AS failed,
  uniqExactIf((asn, prefix), outcome = 'failed') AS failing_prefixes,
  groupBitmapMergeIf(minutes_by_prefix.clients, outcome = 'failed') AS failing_clients
FROM ${source}
WHERE ${where} AND ${WINDOW}`

const causeOf = (source: string, where: string) => `
SELECT cause, sum(handshakes) AS failures
FROM ${source}
WHERE ${where} AND ${WINDOW} AND outcome = 'failed'
GROUP BY cause
ORDER BY failures DESC, cause
LIMIT 1`

const NETWORK = `
SELECT anyLast(minutes_by_network.network) AS network
FROM minutes_by_network
WHERE asn = {asn:UInt32} AND minute >= toDateTime({from:UInt32}) - INTERVAL 1 DAY`

const evidenceOf = (where: string) => `
SELECT evidence
FROM handshakes
WHERE ${where} AND cause = {cause:String}
  AND decided_at >= toDateTime({from:UInt32}) AND decided_at < toDateTime({to:UInt32})
ORDER BY decided_at DESC
LIMIT 1`
