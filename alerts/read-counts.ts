import type { Store } from '../core/store/store.ts'
import type { Count, MinuteCounts } from './counts.ts'

export type ReadCounts = (from: number, to: number, prefixes: readonly string[]) => Promise<MinuteCounts[]>

/**
 * Counts of the minutes from `from` up to, not including, `to` (seconds since 1970), one entry for every minute; of prefixes
 * only those inside the given ones. Rollups only, as the detector reads them.
 */
export function createCountReader(store: Pick<Store, 'query'>): ReadCounts {
  return async (from, to, prefixes) => {
    const [networks, within] = await Promise.all([
      store.query<Count>(NETWORKS, { from, to }),
      prefixes.length === 0 ? [] : store.query<Count>(PREFIXES, { from, to, prefixes }),
    ])
    const byMinute = new Map<number, { minute: number; networks: Count[]; prefixes: Count[] }>()
    for (let minute = from; minute < to; minute += 60) {
      byMinute.set(minute, { minute, networks: [], prefixes: [] })
    }
    for (const count of networks) byMinute.get(count.minute)?.networks.push(count)
    for (const count of within) byMinute.get(count.minute)?.prefixes.push(count)
    return [...byMinute.values()]
  }
}

/** The table's own column: `handshakes` alone would be the sum that is named so. */
const countsOf = (table: string) => `
  sumIf(${table}.handshakes, outcome = 'completed') AS completed,
  sumIf(${table}.handshakes, outcome = 'failed') AS failed,
  sumMapIf(map(toString(cause), ${table}.handshakes), outcome = 'failed') AS causes,
  sum(${table}.handshakes) AS handshakes`

const WINDOW = 'minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32})'

const NETWORKS = `
SELECT toUnixTimestamp(minute) AS minute, * EXCEPT (minute) FROM (
  SELECT minute, asn, label, '' AS prefix, site, ip_version,${countsOf('minutes_by_network')}
  FROM minutes_by_network
  WHERE ${WINDOW}
  GROUP BY minute, asn, label, site, ip_version
)`

const PREFIXES = `
SELECT toUnixTimestamp(minute) AS minute, * EXCEPT (minute) FROM (
  SELECT minute, asn, label, prefix, site, ip_version,${countsOf('minutes_by_prefix')}
  FROM minutes_by_prefix
  WHERE ${WINDOW}
    AND arrayExists(
      outer -> isIPAddressInRange(splitByChar('/', prefix)[1], outer),
      {prefixes:Array(String)})
  GROUP BY minute, asn, label, prefix, site, ip_version
)`
