import type { QueryParameters } from '../../core/store/store.ts'
import { MEMBERS } from '../../detector/describe-incident.ts'
import type { Incident } from '../../detector/incident.ts'
import type { Queries } from '../bounded-store.ts'

/** A step of an incident's series; those without handshakes have no row. */
export type SeriesRow = {
  /** Start of the step, seconds since 1970. */
  start: number
  completed: number
  failed: number
  /** One per client and minute, as the detector counts them; null where clients are not counted. */
  clients: number | null
  failed_clients: number | null
}

type Asked = { from: number; to: number; step: number }
type About = Pick<Incident, 'scope' | 'asn' | 'label' | 'prefix' | 'site' | 'members'>

/** What the incident's stream did from `from` up to, not including, `to`, by steps; all in seconds. */
export function readSeries(store: Queries, about: About, asked: Asked): Promise<SeriesRow[]> {
  const { asn, label, prefix, site, members } = about
  const parameters: QueryParameters = { ...asked, asn, label, prefix, site, members }
  return store.query<SeriesRow>(SERIES[about.scope], parameters)
}

const STEP = 'intDiv(toUnixTimestamp(minute), {step:UInt32}) * {step:UInt32}'
const DECIDED = "outcome IN ('completed', 'failed')"
const SPAN = "minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')"
const OUTCOMES = `
    sumIf(counts.handshakes, outcome = 'completed') AS completed,
    sumIf(counts.handshakes, outcome = 'failed') AS failed`

/** Clients are distinct in a minute, site and IP version, which is how the detector reads them, and then added up. */
const withClients = (table: string, distinct: string, where: string) => `
SELECT
  start,
  sum(completed) AS completed,
  sum(failed) AS failed,
  sum(clients) AS clients,
  sum(failed_clients) AS failed_clients
FROM (
  SELECT
    ${STEP} AS start,${OUTCOMES},
    ${distinct}If(counts.clients, ${DECIDED}) AS clients,
    ${distinct}If(counts.clients, outcome = 'failed') AS failed_clients
  FROM ${table} AS counts
  WHERE ${where} AND ${SPAN} AND ${DECIDED}
  GROUP BY start, minute, counts.site, ip_version
)
GROUP BY start
ORDER BY start`

/** Distinct clients of all networks together are too dear to count minute by minute. */
const withoutClients = (where: string) => `
SELECT
  ${STEP} AS start,${OUTCOMES},
  NULL AS clients,
  NULL AS failed_clients
FROM minutes_by_network AS counts
WHERE ${where} AND ${SPAN} AND ${DECIDED}
GROUP BY start
ORDER BY start`

const NETWORK = 'asn = {asn:UInt32} AND label = {label:String}'
const SERIES: Record<Incident['scope'], string> = {
  network: withClients('minutes_by_network', 'uniqMerge', NETWORK),
  prefix: withClients('minutes_by_prefix', 'groupBitmapMerge', `${NETWORK} AND prefix = {prefix:String}`),
  networks: withClients('minutes_by_network', 'uniqMerge', MEMBERS),
  site: withoutClients('site = {site:String}'),
  world: withoutClients('1'),
}
