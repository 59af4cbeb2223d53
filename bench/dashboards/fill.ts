import { readMigrations } from '../../core/store/migrate.ts'
import type { Store } from '../../core/store/store.ts'
import { handshakesSql } from './fleet.ts'
import { fillSmallTables } from './small-tables.ts'

const HOUR = 3_600
const DAY = 86_400
/** No panel reads minutes that are older: two days of one network and the day before them. */
const MINUTE_DAYS = 3
/** One of so many handshakes of the last day is in the raw table, too. */
const RAW_EVERY = 20
/** What the rollups are made of; their own views are put on a table that keeps nothing. */
const SOURCE = 'bench_handshakes'
/** Tables that are kept for all days, with their column of time. */
const COPIED = [
  ['hours_by_network', 'hour'],
  ['hours_by_prefix', 'hour'],
  ['minutes_by_site', 'minute'],
  ['failed_clients_by_minute', 'minute'],
] as const

/**
 * Fills the store as that many days would: handshakes of the last three days go through the rollups' own views; the days before are copies
 * of the last whole day in the tables that panels read for so long. `now` in seconds, a whole hour.
 */
export async function fill(
  store: Pick<Store, 'command' | 'query'>,
  { networks, days, now }: { networks: number; days: number; now: number },
): Promise<void> {
  await createSource(store)
  const minuteDays = Math.min(days, MINUTE_DAYS)
  for (let from = now - minuteDays * DAY; from < now; from += HOUR) {
    await fillHour(store, { networks, from, to: from + HOUR, now })
    console.log(`  ${new Date(from * 1_000).toISOString().slice(0, 13)} h`)
  }
  for (let back = 1; back <= days - minuteDays; back += 1) {
    const [from, to] = [now - minuteDays * DAY, now - (minuteDays - 1) * DAY]
    for (const [table, column] of COPIED) {
      await store.command(`
INSERT INTO ${table}
SELECT * REPLACE(${column} - INTERVAL ${back} DAY AS ${column})
FROM (SELECT * FROM ${table} WHERE ${column} >= toDateTime(${from}) AND ${column} < toDateTime(${to}))
SETTINGS async_insert = 0, max_execution_time = 0, min_insert_block_size_rows = 4000000, min_insert_block_size_bytes = 0`)
    }
    console.log(`  ${back + minuteDays} of ${days} days`)
  }
  await fillSmallTables(store, { networks, days, now })
}

async function createSource(store: Pick<Store, 'command'>): Promise<void> {
  await store.command(`CREATE TABLE ${SOURCE} AS handshakes ENGINE = Null`)
  const views = readMigrations()
    .flatMap(({ statements }) => statements)
    .filter(
      (statement) => /^CREATE MATERIALIZED VIEW \w/.test(statement) && /\bFROM handshakes\b/.test(statement),
    )
  for (const view of views) {
    await store.command(
      view
        .replace(/^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)/, 'CREATE MATERIALIZED VIEW bench_$1')
        .replace(/\bFROM handshakes\b/, `FROM ${SOURCE} AS handshakes`),
    )
  }
}

async function fillHour(
  store: Pick<Store, 'command'>,
  { networks, from, to, now }: { networks: number; from: number; to: number; now: number },
): Promise<void> {
  const raw = from >= now - DAY
  const columns = `decided_at, asn, network, label, site, ip_version, prefix, client, outcome, cause, stage, hello_bytes,
  hello_post_quantum, handshake_ms`
  const insert = (table: string, extra: readonly [names: string, values: string], where: string) =>
    store.command(`
INSERT INTO ${table} (${columns}${extra[0]})
SELECT ${columns}${extra[1]}
FROM (${handshakesSql({ networks, from, to, now })})
WHERE ${where}
SETTINGS async_insert = 0, max_execution_time = 0, max_insert_threads = 2, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0`)
  await insert(SOURCE, ['', ''], raw ? `h % ${RAW_EVERY} != 0` : '1')
  if (!raw) return
  await insert(
    'handshakes',
    [
      ', received_at, opened_at, agent, id, source_address, server_name, ended_by, tls_version, confidence, evidence',
      `, decided_at, decided_at - INTERVAL handshake_ms MILLISECOND, concat('edge-', toString(h % 20)), hex(h),
  toIPv6(concat('::ffff:', IPv4NumToString(toUInt32(client)))), 'www.example.com', 'timeout', 'TLSv1.3', 'likely',
  if(outcome = 'failed', 'the large segment of the ClientHello never came, the small one behind it did', '')`,
    ],
    `h % ${RAW_EVERY} = 0`,
  )
}
