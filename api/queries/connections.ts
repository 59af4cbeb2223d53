import type { HandshakeRow } from '../../core/store/handshake-row.ts'
import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'
import { dateTime } from './causes.ts'

export type ConnectionsFilter = {
  asn?: number | undefined
  label?: string | undefined
  prefix?: string | undefined
  address?: string | undefined
  outcome?: string | undefined
  stage?: string | undefined
  cause?: string | undefined
  confidence?: string | undefined
  site?: string | undefined
  server_name?: string | undefined
  agent?: string | undefined
  ip_version?: number | undefined
  id?: string | undefined
}

const CONDITIONS: Record<keyof ConnectionsFilter, string> = {
  asn: 'asn = {asn:UInt32}',
  label: 'label = {label:String}',
  prefix: 'prefix = {prefix:String}',
  address: 'source_address = {address:IPv6}',
  outcome: 'outcome = {outcome:String}',
  stage: 'stage = {stage:String}',
  cause: 'cause = {cause:String}',
  confidence: 'confidence = {confidence:String}',
  site: 'site = {site:String}',
  server_name: 'server_name = {server_name:String}',
  agent: 'agent = {agent:String}',
  ip_version: 'ip_version = {ip_version:UInt8}',
  id: 'id = {id:String}',
}

/** Sort key of a handshake: when it was decided (ms since 1970), and its id. */
export type ConnectionKey = readonly [decided_at: number, id: string]

/** A raw row as JSON gives it: addresses as text, the client hash as decimal digits, times in ms. */
export type ConnectionRow = Omit<
  HandshakeRow,
  'source_address' | 'destination_address' | 'client' | 'line' | 'bus_partition' | 'bus_offset'
> & {
  source: string
  destination: string
  client_hash: string
  opened_at_ms: number
  decided_at_ms: number
  received_at_ms: number
}

/** The latest handshakes of a window, one row more than `limit`. */
export function findConnections(
  store: Queries,
  {
    window,
    filter,
    after,
    limit,
  }: { window: Window; filter: ConnectionsFilter; after?: ConnectionKey | undefined; limit: number },
): Promise<ConnectionRow[]> {
  const where = [
    `decided_at >= {from:DateTime64(3, 'UTC')}`,
    `decided_at ${after === undefined ? '<' : '<='} {until:DateTime64(3, 'UTC')}`,
  ]
  const parameters: Record<string, string | number> = {
    from: dateTime(window.from),
    until: dateTime(after?.[0] ?? window.to),
    rows: limit + 1,
  }
  if (after !== undefined) {
    where.push(`(decided_at < {until:DateTime64(3, 'UTC')} OR id < {after_id:String})`)
    parameters['after_id'] = after[1]
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof ConnectionsFilter]
    if (value === undefined) continue
    where.push(condition)
    parameters[name] = value
  }
  return store.query<ConnectionRow>(
    `
SELECT
  * EXCEPT (source_address, destination_address, client, opened_at, decided_at, received_at, bus_partition, bus_offset, line),
  toString(source_address) AS source,
  toString(destination_address) AS destination,
  toString(client) AS client_hash,
  toUnixTimestamp64Milli(opened_at) AS opened_at_ms,
  toUnixTimestamp64Milli(decided_at) AS decided_at_ms,
  toUnixTimestamp64Milli(received_at) AS received_at_ms
FROM handshakes
WHERE ${where.join('\n  AND ')}
ORDER BY decided_at DESC, id DESC
LIMIT {rows:UInt32}`,
    parameters,
  )
}
