import type { Store } from './store.ts'

/** How long rows are kept, in milliseconds. */
export type Retention = { raw: number; minutes: number; hours: number }

const TABLES: readonly (readonly [table: string, column: string, of: keyof Retention])[] = [
  ['handshakes', 'toDateTime(decided_at)', 'raw'],
  ['dead_letters', 'toDateTime(received_at)', 'raw'],
  ['batches', 'toDateTime(received_at)', 'raw'],
  ['minutes_by_network', 'minute', 'minutes'],
  ['minutes_by_prefix', 'minute', 'minutes'],
  ['failed_clients_by_minute', 'minute', 'minutes'],
  ['hours_by_network', 'hour', 'hours'],
  ['hours_by_prefix', 'hour', 'hours'],
  ['networks_by_hour', 'hour', 'hours'],
  // A few hundred rows an hour, whatever the number of networks: kept for as long as hours.
  ['minutes_by_site', 'minute', 'hours'],
]

/** Brings every table's TTL to what is configured. Only whole parts are dropped: nothing is rewritten to expire rows. */
export async function applyRetention(
  store: Pick<Store, 'query' | 'command'>,
  retention: Retention,
  /** The table that holds the rows of one that is read; on a cluster they are two. */
  holderOf: (table: string) => string = (table) => table,
): Promise<void> {
  const existing = await store.query<{ name: string; definition: string }>(
    'SELECT name, create_table_query AS definition FROM system.tables WHERE database = currentDatabase()',
  )
  for (const [table, column, of] of TABLES) {
    const ttl = `${column} + toIntervalSecond(${Math.round(retention[of] / 1000)})`
    if (existing.find((row) => row.name === holderOf(table))?.definition.includes(`TTL ${ttl}`)) continue
    await store.command(`ALTER TABLE ${table} MODIFY SETTING ttl_only_drop_parts = 1`)
    await store.command(`ALTER TABLE ${table} MODIFY TTL ${ttl} SETTINGS materialize_ttl_after_modify = 0`)
  }
}
