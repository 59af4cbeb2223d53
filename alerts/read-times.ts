import type { Store } from '../core/store/store.ts'
import { isNarrow, type Lens, networkKey, type Times } from './counts.ts'
import { IS_NAMED, namedParameters } from './named-handshakes.ts'

/** Minutes whose quantiles are made in one query: each holds a digest of every network. */
const AT_ONCE = 10

type Row = { minute: number; asn: number; label: string } & Times

/**
 * Quantiles of the time that completed handshakes took, for the minutes from `first` up to, not including, `to`, each with the
 * minutes before it that the lens takes together: by minute, then by network.
 */
export async function readTimes(
  store: Pick<Store, 'query'>,
  { first, to, lens, asns }: { first: number; to: number; lens: Lens; asns: readonly number[] },
): Promise<Map<number, Map<string, Times>>> {
  const found = new Map<number, Map<string, Times>>()
  const { over_s, sites, ip_version, ...named } = lens
  for (let start = first; start < to; start += AT_ONCE * 60) {
    const rows = await store.query<Row>(isNarrow(lens) ? BY_NAME : BY_NETWORK, {
      ...{ first: start, to: Math.min(start + AT_ONCE * 60, to), over: over_s },
      ...{ sites: [...sites], ip_version: ip_version ?? 0, asns: [...asns] },
      ...(isNarrow(lens) ? namedParameters(named) : {}),
    })
    for (const { minute, asn, label, p50, p95 } of rows) {
      const byNetwork = found.get(minute) ?? new Map<string, Times>()
      found.set(minute, byNetwork.set(networkKey({ asn, label }), { p50, p95 }))
    }
  }
  return found
}

/** Each minute's digest counts for the minutes whose window it lies in. */
const quantiles = (digests: string) => `
SELECT toUnixTimestamp(judged) AS minute, asn, label, quantile[1] AS p50, quantile[2] AS p95
FROM (
  SELECT
    arrayJoin(arrayFilter(
      one -> one >= toDateTime({first:UInt32}) AND one < toDateTime({to:UInt32}),
      arrayMap(step -> start + toIntervalMinute(step), range(intDiv({over:UInt32}, 60)))
    )) AS judged,
    asn,
    label,
    quantilesTDigestMerge(0.5, 0.95)(digest) AS quantile
  FROM (${digests})
  GROUP BY judged, asn, label
)`

const windowOf = (time: string) =>
  `${time} >= toDateTime({first:UInt32} - {over:UInt32} + 60) AND ${time} < toDateTime({to:UInt32})`

const STRATUM = `outcome = 'completed'
      AND (empty({sites:Array(String)}) OR site IN {sites:Array(String)})
      AND ({ip_version:UInt8} = 0 OR ip_version = {ip_version:UInt8})
      AND (empty({asns:Array(UInt32)}) OR asn IN {asns:Array(UInt32)})`

const BY_NETWORK = quantiles(`
    SELECT minute AS start, asn, label, quantilesTDigestMergeState(0.5, 0.95)(handshake_ms) AS digest
    FROM minutes_by_network
    WHERE ${windowOf('minute')}
      AND ${STRATUM}
    GROUP BY start, asn, label
  `)

const BY_NAME = quantiles(`
    SELECT
      toStartOfMinute(decided_at) AS start,
      asn,
      label,
      quantilesTDigestState(0.5, 0.95)(handshake_ms) AS digest
    FROM handshakes
    WHERE ${windowOf('decided_at')}
      AND ${STRATUM}
      AND ${IS_NAMED}
    GROUP BY start, asn, label
  `)
