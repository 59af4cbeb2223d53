import type { Store } from '../core/store/store.ts'
import type { Description, Incident } from './incident.ts'

/** How long before its onset an incident is compared with, seconds: what was usual then is not its doing. */
const BEFORE_SECONDS = 24 * 3600
/** A value carries an incident when it has this much of its failures … */
const CARRIES = 0.8
/** … and at most this much of all handshakes, so that what nearly everything has is not blamed. */
const UNREMARKABLE = 0.65
/** Failures from which a dimension is named at all. */
const ENOUGH = 10

/** Counts of one combination of dimensions, since the onset (`now`) or in the day before it. */
export type Slice = {
  period: 'now' | 'before'
  outcome: 'completed' | 'failed'
  cause: string
  site: string
  ip_version: number
  hello_size: string
  hello_post_quantum: string
  handshakes: number
}

/** What the store knows of an incident: name, clients, dominant cause, and what carries it. */
export function createIncidentDescriber(
  store: Pick<Store, 'query'>,
): (incident: Incident) => Promise<Description> {
  return async (incident) => {
    const { asn, label, prefix, site, onset, members } = incident
    const until = incident.closed_at > 0 ? incident.closed_at : 4_294_967_295
    const about = { asn, label, prefix, site, onset, until, members, before: onset - BEFORE_SECONDS }
    const whole = incident.scope === 'world' || incident.scope === 'site'
    const several = whole || incident.scope === 'networks'
    const where = whole
      ? "({site:String} = '' OR site = {site:String})"
      : incident.scope === 'networks'
        ? MEMBERS
        : 'asn = {asn:UInt32} AND label = {label:String}'
    const [slices, [clients]] = await Promise.all([
      store.query<Slice>(prefix === '' ? networkSlices(where) : PREFIX_SLICES, about),
      store.query<Clients>(prefix === '' ? networkClients(where) : PREFIX_CLIENTS, about),
    ])
    const { network = '', ...counted } = clients ?? {}
    // Fewer handshakes have no cause that the others could tell, and its counts are the detector's.
    if (incident.kind === 'volume')
      return { ...(network === '' ? {} : { network }), cause: '', cause_share: 0, dimension: '' }
    return { ...(network === '' || several ? {} : { network }), ...counted, ...explainSlices(slices) }
  }
}

/** Networks by how an incident names its members; `members` is an array of strings. */
export const MEMBERS =
  "has({members:Array(String)}, trimBoth(concat(if(asn > 0, concat('AS', toString(asn)), ''), ' ', label)))"

type Clients = { network?: string; clients: number; failing_clients: number }

/** The dominant cause, its share of the excess, and the dimension that carries the excess, if one does. */
export function explainSlices(
  slices: readonly Slice[],
): Pick<Description, 'cause' | 'cause_share' | 'dimension'> {
  const excess = excessBy(slices, ({ cause }) => cause)
  const [cause = '', most = 0] = [...excess].sort((a, b) => b[1] - a[1])[0] ?? []
  const all = [...excess.values()].reduce((sum, value) => sum + value, 0)
  return { cause, cause_share: all === 0 ? 0 : most / all, dimension: carrierOf(slices) }
}

/** Failures since the onset beyond those that the rate of the day before would have given, by a key. */
function excessBy(slices: readonly Slice[], keyOf: (slice: Slice) => string): Map<string, number> {
  const scale = total(slices, 'now') / Math.max(1, total(slices, 'before'))
  const excess = new Map<string, number>()
  for (const slice of slices) {
    if (slice.outcome !== 'failed') continue
    const key = keyOf(slice)
    const signed = slice.period === 'now' ? slice.handshakes : -slice.handshakes * Math.min(1, scale)
    excess.set(key, (excess.get(key) ?? 0) + signed)
  }
  return new Map([...excess].filter(([, value]) => value > 0))
}

const DIMENSIONS: readonly { keyOf: (slice: Slice) => string; words: (key: string) => string }[] = [
  { keyOf: (slice) => slice.hello_size, words: (key) => HELLO_SIZES[key] ?? '' },
  {
    keyOf: (slice) => slice.hello_post_quantum,
    words: (key) => (key === 'yes' ? 'only post-quantum ClientHellos' : ''),
  },
  { keyOf: (slice) => slice.site, words: (key) => (key === '' ? '' : `only site ${key}`) },
  { keyOf: (slice) => String(slice.ip_version), words: (key) => `only IPv${key}` },
]

const HELLO_SIZES: Record<string, string> = {
  to_500: 'only ClientHellos up to 500 bytes',
  to_1200: 'only ClientHellos of 501 to 1,200 bytes',
  to_1460: 'only ClientHellos of 1,201 to 1,460 bytes',
  larger: 'only ClientHellos over 1,460 bytes',
}

/** The first dimension of which one value has most of the failures without having most of the handshakes. */
function carrierOf(slices: readonly Slice[]): string {
  const now = slices.filter(({ period }) => period === 'now')
  const failures = total(
    now.filter(({ outcome }) => outcome === 'failed'),
    'now',
  )
  if (failures < ENOUGH) return ''
  for (const { keyOf, words } of DIMENSIONS) {
    for (const [key, excess] of excessBy(slices, keyOf)) {
      const usual = slices.filter((slice) => slice.period === 'before')
      const share = shareOf(usual.length > 0 ? usual : now, (slice) => keyOf(slice) === key)
      if (excess >= CARRIES * failures && share <= UNREMARKABLE && words(key) !== '') return words(key)
    }
  }
  return ''
}

function shareOf(slices: readonly Slice[], has: (slice: Slice) => boolean): number {
  const sum = (some: readonly Slice[]) => some.reduce((all, { handshakes }) => all + handshakes, 0)
  return sum(slices.filter(has)) / Math.max(1, sum(slices))
}

function total(slices: readonly Slice[], period: Slice['period']): number {
  return slices.reduce((sum, slice) => (slice.period === period ? sum + slice.handshakes : sum), 0)
}

const DECIDED = `outcome IN ('completed', 'failed')`
const SINCE = 'minute >= toDateTime({onset:UInt32}) AND minute < toDateTime({until:UInt32})'
const PERIODS = 'minute >= toDateTime({before:UInt32}) AND minute < toDateTime({until:UInt32})'
const PERIOD = `if(minute >= toDateTime({onset:UInt32}), 'now', 'before') AS period`
const PREFIX = 'asn = {asn:UInt32} AND label = {label:String} AND prefix = {prefix:String}'

const networkSlices = (where: string) => `
SELECT ${PERIOD}, outcome, cause, site, ip_version, hello_size, hello_post_quantum, sum(handshakes) AS handshakes
FROM minutes_by_network
WHERE ${where} AND ${PERIODS} AND ${DECIDED}
GROUP BY ALL`

const PREFIX_SLICES = `
SELECT ${PERIOD}, outcome, cause, site, ip_version, 'unknown' AS hello_size, 'unknown' AS hello_post_quantum,
  sum(handshakes) AS handshakes
FROM minutes_by_prefix
WHERE ${PREFIX} AND ${PERIODS} AND ${DECIDED}
GROUP BY ALL`

const networkClients = (where: string) => `
SELECT
  anyLast(minutes_by_network.network) AS network,
  uniqMergeIf(minutes_by_network.clients, ${DECIDED}) AS clients,
  uniqMergeIf(minutes_by_network.clients, outcome = 'failed') AS failing_clients
FROM minutes_by_network
WHERE ${where} AND ${SINCE}`

const PREFIX_CLIENTS = `
SELECT
  groupBitmapMergeIf(minutes_by_prefix.clients, ${DECIDED}) AS clients,
  groupBitmapMergeIf(minutes_by_prefix.clients, outcome = 'failed') AS failing_clients
FROM minutes_by_prefix
WHERE ${PREFIX} AND ${SINCE}`
