/**
 * What each step costs when they are processes of their own, and what the data weighs: events from HTTP through a real
 * broker into the store, CPU and memory of every process, bytes in Kafka and in the store; then an hour of 10,000
 * networks in the store, from which a month is reckoned. The senders are this process and not counted.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtHalfshake, freePort, type Running, untilReady } from '../../cli/testing/processes.ts'
import { startBroker } from '../../core/bus/kafka/broker/testing.ts'
import { createLogger } from '../../core/runtime/log.ts'
import { createServerStore, type ServerStore } from '../../core/store/server.ts'
import { countEverywhere } from '../../core/store/testing.ts'
import { describeMachine, markdownTable, thousands } from '../machine.ts'
import { createBatches } from '../pipeline/events.ts'
import { sendAll } from '../pipeline/send.ts'
import { cpuSeconds, memory } from '../process-usage.ts'
import { fillHour, weigh } from './weight.ts'

const AGENTS = 20
const EVENTS = 1_000
const WARM_UP = 5
const MEASURED = 20
const NETWORKS = 10_000
const HANDSHAKES_A_DAY = 100_000_000
const DAY_MS = 86_400_000

console.log('building …')
execFileSync('npm', ['run', '--silent', 'build'], { cwd: join(import.meta.dirname, '..', '..') })
const folder = await mkdtemp(join(tmpdir(), 'halfshake-bench-'))
const [ingestPort, enricherPort, healthPort, storePort] = await Promise.all(
  [1, 2, 3, 4].map(() => freePort()),
)
const listen = (port: number | undefined) => `127.0.0.1:${port}`
const broker = await startBroker({ dataDir: join(folder, 'kafka'), progress: (text) => console.log(text) })
const shared = {
  HALFSHAKE_LOG_LEVEL: 'warn',
  HALFSHAKE_KAFKA_BROKERS: broker.brokers.join(','),
  HALFSHAKE_STORE_URL: `http://${listen(storePort)}`,
  HALFSHAKE_DATA_FOLDER: join(folder, 'enricher'),
}
const processes: Record<string, Running> = {
  store: builtHalfshake(['store'], {
    HALFSHAKE_LOG_LEVEL: 'warn',
    HALFSHAKE_DATA_FOLDER: join(folder, 'store'),
    HALFSHAKE_HTTP_LISTEN: listen(healthPort),
    HALFSHAKE_STORE_LISTEN: listen(storePort),
  }),
  ingest: builtHalfshake(['ingest'], { ...shared, HALFSHAKE_HTTP_LISTEN: listen(ingestPort) }),
  enricher: builtHalfshake(['enricher'], { ...shared, HALFSHAKE_HTTP_LISTEN: listen(enricherPort) }),
}
try {
  await untilReady(`http://${listen(healthPort)}`, processes['store'] as Running)
  await untilReady(`http://${listen(ingestPort)}`, processes['ingest'] as Running)
  await untilReady(`http://${listen(enricherPort)}`, processes['enricher'] as Running)
  const store = createServerStore({
    ...{ url: shared.HALFSHAKE_STORE_URL, user: 'default', password: '', database: 'halfshake' },
    retention: { raw: 14 * DAY_MS, minutes: 30 * DAY_MS, hours: 400 * DAY_MS },
    log: createLogger({ level: 'silent' }),
  })
  await store.start()
  const steps = await measureSteps(store)
  console.log('an hour of 10,000 networks …')
  await fillHour(store, { networks: NETWORKS, handshakes: Math.round(HANDSHAKES_A_DAY / 24) })
  const table = report(steps, await weigh(store))
  await store.stop()
  console.log(`\n${table}`)
  await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)
} finally {
  for (const { child, ended } of Object.values(processes)) {
    child.kill('SIGKILL')
    await ended
  }
  await broker.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
}

type Steps = {
  rows: { name: string; cpu: number; peak: number }[]
  kafkaBytes: number
  events: number
  seconds: number
}

async function measureSteps(store: ServerStore): Promise<Steps> {
  const url = `http://${listen(ingestPort)}`
  const batches = createBatches(AGENTS, WARM_UP + MEASURED, EVENTS, Date.now())
  const pids = Object.entries(processes).map(([name, { child }]) => ({ name, pid: child.pid ?? 0 }))
  const all = [...pids, { name: 'kafka', pid: broker.pid }]
  await sendAll(url, batches.slice(0, AGENTS * WARM_UP))
  await untilStored(store, AGENTS * WARM_UP * EVENTS)
  console.log('warm; measuring …')
  const before = all.map(({ pid }) => cpuSeconds(pid))
  const started = Date.now()
  const events = await sendAll(url, batches.slice(AGENTS * WARM_UP))
  await untilStored(store, batches.length * EVENTS)
  const seconds = (Date.now() - started) / 1000
  const rows = all.map(({ name, pid }, i) => ({
    name,
    cpu: cpuSeconds(pid) - (before[i] ?? 0),
    peak: memory(pid).peak,
  }))
  const counts = await countEverywhere(store)
  const wrong = Object.entries(counts).filter(([, count]) => count !== batches.length * EVENTS)
  if (wrong.length > 0)
    throw new Error(`not ${batches.length * EVENTS} everywhere: ${JSON.stringify(counts)}`)
  const kafkaBytes = Number(
    execFileSync('sh', ['-c', `cat ${join(folder, 'kafka', 'log')}/halfshake.events-*/*.log | wc -c`]),
  )
  return { rows, kafkaBytes: kafkaBytes / (batches.length * EVENTS), events, seconds }
}

async function untilStored(store: ServerStore, total: number): Promise<void> {
  for (;;) {
    const [row] = await store.query<{ n: number }>('SELECT sum(handshakes) AS n FROM batches')
    if ((row?.n ?? 0) >= total) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function report(
  { rows, kafkaBytes, events, seconds }: Steps,
  weights: Awaited<ReturnType<typeof weigh>>,
): string {
  const steps = rows.map(({ name, cpu, peak }) => [
    name,
    thousands(events / cpu),
    ((cpu / events) * 1e6).toFixed(2),
    `${Math.round(peak / 1e6)} MB`,
  ])
  const tables = weights.map(({ table, bytes, rows: count, keptDays }) => [
    table,
    thousands(count),
    (bytes / count).toFixed(1),
    `${(bytes / 1e6).toFixed(1)} MB`,
    `${((bytes * 24 * keptDays) / 1e9).toFixed(1)} GB in ${keptDays} days`,
  ])
  return `# The steps as processes of their own

${AGENTS} agents, batches of ${thousands(EVENTS)} events, one ingest, one enricher, one broker (Kafka 4.3.1), one store
(\`halfshake store\`, the embedded engine over HTTP). ${thousands(events)} events in ${seconds.toFixed(1)} s, all on
one machine; the counts of the raw table and of every rollup were checked. Measured with \`npm run bench -- distributed\` on
${describeMachine({ chdb: '3.4.0' })}.

${markdownTable(['step', 'events per CPU-second', 'CPU µs per event', 'peak memory'], steps)}

In Kafka a batch of ${thousands(EVENTS)} events takes ${thousands(Math.round(kafkaBytes * EVENTS))} bytes: ${kafkaBytes.toFixed(1)} bytes per event and replica.

## What it weighs on disk

One hour of ${thousands(NETWORKS)} networks (volumes by Zipf's law, four sites, ${thousands(HANDSHAKES_A_DAY)} handshakes a day, 5 % not completed),
parts merged.

${markdownTable(['table', 'rows an hour', 'bytes per row', 'bytes an hour', 'as long as it is kept'], tables)}
`
}
