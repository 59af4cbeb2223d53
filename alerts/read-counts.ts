import type { Store } from '../core/store/store.ts'
import { type Count, lensKey, type MinuteCounts, type SingleCount, type Times } from './counts.ts'
import { readSingle } from './read-single.ts'
import { readTimes } from './read-times.ts'
import type { Asked } from './window.ts'

export type ReadCounts = (first: number, to: number, asked: Asked) => Promise<MinuteCounts[]>

export type Kept = {
  /** Retention of single handshakes. */
  rawKeptMs: number
  /** ms since 1970. */
  clock: () => number
}

/** The first minute of which all single handshakes are there, seconds since 1970. */
export function singleKeptFrom({ rawKeptMs, clock }: Kept): number {
  return Math.ceil((clock() - rawKeptMs) / 60_000) * 60
}

/** Mutable while it is filled. */
type Filling = {
  minute: number
  networks: Count[]
  prefixes: Count[]
  single?: { networks: SingleCount[]; prefixes: SingleCount[] }
  times?: Map<string, Map<string, Times>>
}

/**
 * What is asked for of the minutes from `first` up to, not including, `to` (seconds since 1970) and of those before
 * them, as far as rules look back; one entry for every minute. Rollups, as the detector reads them, and single handshakes only where a
 * rule asks for what no rollup knows.
 */
export function createCountReader(store: Pick<Store, 'query'>, kept: Kept): ReadCounts {
  return async (first, to, { back, prefixes, single, times }) => {
    if (back === 0) return []
    const from = first - back + 60
    const minutes = emptyMinutes(from, to, single === undefined ? to : singleKeptFrom(kept))
    const [networks, within, singles] = await Promise.all([
      store.query<Count>(NETWORKS, { from, to }),
      prefixes.length === 0 ? [] : store.query<Count>(PREFIXES, { from, to, prefixes }),
      single === undefined ? undefined : readSingle(store, { from, to, ...single }),
    ])
    for (const count of networks) minutes.get(count.minute)?.networks.push(count)
    for (const count of within) minutes.get(count.minute)?.prefixes.push(count)
    for (const count of singles?.networks ?? []) minutes.get(count.minute)?.single?.networks.push(count)
    for (const count of singles?.prefixes ?? []) minutes.get(count.minute)?.single?.prefixes.push(count)
    for (const { lens, asns } of times) {
      const read = await readTimes(store, { first, to, lens, asns })
      for (const [minute, byNetwork] of read) {
        const one = minutes.get(minute)
        if (one !== undefined) one.times = (one.times ?? new Map()).set(lensKey(lens), byNetwork)
      }
    }
    return [...minutes.values()]
  }
}

function emptyMinutes(from: number, to: number, singleFrom: number): Map<number, Filling> {
  const minutes = new Map<number, Filling>()
  for (let minute = from; minute < to; minute += 60) {
    const single = minute < singleFrom ? {} : { single: { networks: [], prefixes: [] } }
    minutes.set(minute, { minute, networks: [], prefixes: [], ...single })
  }
  return minutes
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
