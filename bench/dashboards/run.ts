/**
 * Every query of every dashboard over 30 days of 10,000 networks: how long it takes, what it reads, and how far that is from merely
 * reading so many bytes.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ClickHouseClient } from '@clickhouse/client'
import type { EmbeddedStore } from '../../core/store/embedded.ts'
import { storeAt } from '../../core/store/testing.ts'
import { readDashboards } from '../../dashboards/testing/model.ts'
import { fill } from './fill.ts'
import { exampleNetworks } from './fleet.ts'
import { looksAt, queriesAt } from './looks.ts'
import { measure } from './measure.ts'
import { type Row, report } from './report.ts'

const HELP = `npm run bench -- dashboards [options]

  --networks N   networks of the fleet (default: 10000)
  --days N       days of them (default: 30)
  --runs N       times that each query is run (default: 15)
  --keep FOLDER  fill this folder, or take it as it was filled with the same options, and leave it there
  --only NAME    one dashboard, to standard output alone

Needs 4 GB of disk for the standard fleet. Filling it took half an hour on two cores at a load average of 10.`

const HOUR = 3_600
const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: '10000' },
    days: { type: 'string', default: '30' },
    runs: { type: 'string', default: '15' },
    keep: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const networks = whole('networks', values.networks)
const days = whole('days', values.days)
const runs = whole('runs', values.runs)

if (values.help) console.log(HELP)
else await main()

async function main(): Promise<void> {
  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'halfshake-bench-')))
  const store = storeAt(folder)
  try {
    await store.start()
    const now = await filled(store)
    const client = store.engine().client()
    const loadBefore = loadavg()[0] ?? 0
    const rows = await measureAll(client, now)
    const scan = await scanRate(client)
    const table = report({
      rows,
      scan,
      networks,
      days,
      runs,
      load: [loadBefore, loadavg()[0] ?? 0],
      sizes: await sizes(store),
    })
    await client.close()
    console.log(`\n${table}`)
    if (values.only === undefined) await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)
  } finally {
    await store.stop()
    if (values.keep === undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** The end of what is in the store, ms; filled first if it is empty. */
async function filled(store: EmbeddedStore): Promise<number> {
  const [last] = await store.query<{ at: number; n: number }>(
    'SELECT toUnixTimestamp(max(minute)) AS at, count() AS n FROM minutes_by_site',
  )
  if (last !== undefined && last.n > 0) return Math.ceil(last.at / HOUR) * HOUR * 1_000
  const now = Math.floor(Date.now() / 1_000 / HOUR) * HOUR
  console.log('filling …')
  await fill(store, { networks, days, now })
  return now * 1_000
}

async function measureAll(client: ClickHouseClient, now: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const { name, dashboard } of readDashboards()) {
    if (values.only !== undefined && values.only !== name) continue
    for (const look of looksAt(dashboard, exampleNetworks(networks))) {
      console.log(`${name}, ${look.name}`)
      for (const { where, sql } of queriesAt(dashboard, look, now)) {
        rows.push({ dashboard: name, look, where, sql, ...(await measure(client, sql, runs)) })
      }
    }
  }
  return rows
}

/** Bytes a second that the engine reads where it does nothing but add up one column. */
async function scanRate(client: ClickHouseClient): Promise<number> {
  const { ms, bytesRead } = await measure(client, 'SELECT sum(handshakes) FROM hours_by_network', runs)
  return (bytesRead / (ms[Math.floor(ms.length / 2)] ?? Number.NaN)) * 1_000
}

async function sizes(store: EmbeddedStore): Promise<{ table: string; rows: number; bytes: number }[]> {
  return store.query(`
SELECT p.table AS table, sum(p.rows) AS rows, sum(p.bytes_on_disk) AS bytes
FROM system.parts AS p
WHERE p.active AND p.database = currentDatabase()
GROUP BY table
HAVING rows > 100000
ORDER BY bytes DESC`)
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} ${text}: a whole number from 1 on is needed`)
  return Number(text)
}
