import type { Store } from '../core/store/store.ts'
import type { SingleCount } from './counts.ts'
import { NAMED_AGENT, NAMED_SERVERS, namedParameters } from './named-handshakes.ts'
import type { AskedSingle } from './window.ts'

type Singles = { networks: SingleCount[]; prefixes: SingleCount[] }

/**
 * Counts by agent and server name, of those that rules name: from the table of single handshakes, since no rollup knows
 * either. Time prunes its parts: each knows its first and last `decided_at`.
 */
export async function readSingle(
  store: Pick<Store, 'query'>,
  { from, to, asns, prefixes, ...named }: AskedSingle & { from: number; to: number },
): Promise<Singles> {
  const parameters = { from, to, asns, prefixes, ...namedParameters(named) }
  const [networks, within] = await Promise.all([
    store.query<SingleCount>(singleCounts("''", '1'), parameters),
    prefixes.length === 0 ? [] : store.query<SingleCount>(singleCounts('prefix', INSIDE), parameters),
  ])
  return { networks, prefixes: within }
}

const INSIDE = `arrayExists(
      outer -> isIPAddressInRange(splitByChar('/', prefix)[1], outer),
      {prefixes:Array(String)})`

const singleCounts = (prefix: string, where: string) => `
SELECT * EXCEPT (named_agent), named_agent AS agent FROM (
SELECT
  toUnixTimestamp(toStartOfMinute(decided_at)) AS minute,
  asn,
  label,
  ${prefix} AS prefix,
  site,
  ip_version,
  ${NAMED_AGENT} AS named_agent,
  ${NAMED_SERVERS} AS server_names,
  countIf(outcome = 'completed') AS completed,
  countIf(outcome = 'failed') AS failed,
  sumMapIf(map(toString(cause), 1::UInt64), outcome = 'failed') AS causes,
  count() AS handshakes
FROM handshakes
WHERE decided_at >= toDateTime({from:UInt32}) AND decided_at < toDateTime({to:UInt32})
  AND (empty({asns:Array(UInt32)}) OR asn IN {asns:Array(UInt32)})
  AND ${where}
  AND (agent IN {agents:Array(String)} OR notEmpty(${NAMED_SERVERS}))
GROUP BY ALL
)`
