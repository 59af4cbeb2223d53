import type { Store } from '../core/store/store.ts'
import type { MinuteCount } from './count.ts'

/**
 * Counts of the minutes from `from` up to, not including, `to` (seconds since 1970), in order of minute: a row for
 * each network and stratum with prefix '', and one for each of its prefixes. Rollups only, so that what is read
 * live, after a restart and in a backtest is the same.
 */
export function createMinuteReader(
  store: Pick<Store, 'query'>,
): (from: number, to: number) => Promise<MinuteCount[]> {
  return async (from, to) => {
    const [networks, prefixes] = await Promise.all([
      store.query<MinuteCount>(NETWORKS, { from, to }),
      store.query<MinuteCount>(PREFIXES, { from, to }),
    ])
    return [...networks, ...prefixes].sort((a, b) => a.minute - b.minute)
  }
}

const STREAM = 'minute, asn, label, site, ip_version'

/** The client with most failures of each stream; of equals the one with the lowest hash, so that a replay agrees. */
const worst = (prefix: string) => `
  SELECT ${STREAM}, ${prefix} AS prefix,
    toString(argMin(client, (-toInt64(failures), client))) AS worst_client,
    max(failures) AS worst_client_failed
  FROM (
    SELECT ${STREAM}, ${prefix === "''" ? '' : 'prefix, '}client, sum(handshakes) AS failures
    FROM failed_clients_by_minute
    WHERE minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32})
    GROUP BY ALL
  )
  GROUP BY ALL`

const counts = (table: string, prefix: string, distinct: string) => `
SELECT
  toUnixTimestamp(minute) AS minute, asn, label, prefix, site, ip_version,
  completed, failed, clients, failed_clients, worst_client, worst_client_failed
FROM (
  SELECT ${STREAM}, ${prefix} AS prefix,
    sumIf(handshakes, outcome = 'completed') AS completed,
    sumIf(handshakes, outcome = 'failed') AS failed,
    ${distinct}If(${table}.clients, outcome IN ('completed', 'failed')) AS clients,
    ${distinct}If(${table}.clients, outcome = 'failed') AS failed_clients
  FROM ${table}
  WHERE minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32})
  GROUP BY ALL
  HAVING completed + failed > 0
) AS counts
LEFT JOIN (${worst(prefix)}
) AS worst USING (${STREAM}, prefix)
ORDER BY minute, asn, label, prefix, site, ip_version`

const NETWORKS = counts('minutes_by_network', "''", 'uniqMerge')
const PREFIXES = counts('minutes_by_prefix', 'prefix', 'groupBitmapMerge')
