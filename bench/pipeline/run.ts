/**
 * Events accepted over HTTP to rows queryable, per CPU-second of the one process that does it all, embedded; the
 * senders are another process and not counted. Beside it, in the same run: the engine alone on rows of that shape,
 * and reading the same bodies (unzip, JSON.parse) alone, which no pipeline of this kind can do without.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { builtHalfshake, freePort, untilReady } from '../../cli/testing/processes.ts'
import { countEverywhere, storeAt } from '../../core/store/testing.ts'
import { describeMachine, markdownTable, thousands } from '../machine.ts'
import { cpuSeconds, memory } from '../process-usage.ts'
import { createBatches, type WireBatch } from './events.ts'
import { sendAll } from './send.ts'

const AGENTS = 50
const EVENTS = 1_000
const WARM_UP = 2
const MEASURED = 12

type Result = { path: string; events: number; cpu: number; peak: number }

console.log('building …')
execFileSync('npm', ['run', '--silent', 'build'], { cwd: join(import.meta.dirname, '..', '..') })
console.log('making the batches …')
const batches = createBatches(AGENTS, WARM_UP + MEASURED, EVENTS, Date.now())
const whole = await measurePipeline(batches)
console.log('the engine alone …')
const engine = measureEngine()
console.log('reading the bodies alone …')
const reading = measureReading(batches.slice(AGENTS * WARM_UP))
const table = report([whole, engine, reading])
console.log(`\n${table}`)
await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)

async function measurePipeline(all: readonly WireBatch[]): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'halfshake-bench-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const running = builtHalfshake(['up'], {
    HALFSHAKE_DATA_FOLDER: folder,
    HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}`,
  })
  try {
    await untilReady(url, running)
    const pid = running.child.pid ?? 0
    await sendAll(url, all.slice(0, AGENTS * WARM_UP))
    console.log('warm; measuring …')
    const before = cpuSeconds(pid)
    const started = Date.now()
    const events = await sendAll(url, all.slice(AGENTS * WARM_UP))
    const cpu = cpuSeconds(pid) - before
    const { peak } = memory(pid)
    console.log(
      `${thousands(events)} events in ${((Date.now() - started) / 1000).toFixed(1)} s, ${cpu.toFixed(2)} CPU-seconds`,
    )
    const blocks = /^halfshake_blocks_inserted_total (\d+)/m.exec(
      await (await fetch(`${url}/metrics`)).text(),
    )?.[1]
    console.log(`${blocks} blocks`)
    running.child.kill('SIGTERM')
    await running.ended
    await verify(folder, all.length * EVENTS)
    return { path: 'Halfshake, HTTP to rows and rollups', events, cpu, peak }
  } finally {
    running.child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

async function verify(folder: string, expected: number): Promise<void> {
  const store = storeAt(folder)
  await store.start()
  const counts = await countEverywhere(store)
  await store.stop()
  const wrong = Object.entries(counts).filter(([, count]) => count !== expected)
  if (wrong.length > 0) throw new Error(`not ${expected} everywhere: ${JSON.stringify(counts)}`)
}

function measureEngine(): Result {
  const script = join(import.meta.dirname, 'engine-alone.ts')
  const output = execFileSync(process.execPath, ['--import', 'tsx', script], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '24' },
  })
  return {
    path: 'the engine alone, rows and rollups',
    ...(JSON.parse(output.toString()) as Omit<Result, 'path'>),
  }
}

function measureReading(all: readonly WireBatch[]): Result {
  const before = process.cpuUsage()
  let events = 0
  for (const { body } of all) {
    for (const line of gunzipSync(body).toString().split('\n')) {
      if (line === '') continue
      JSON.parse(line)
      events += 1
    }
  }
  const { user, system } = process.cpuUsage(before)
  return { path: 'unzip and JSON.parse alone', events, cpu: (user + system) / 1e6, peak: 0 }
}

function report(results: readonly Result[]): string {
  const [own] = results
  const rate = ({ events, cpu }: Result) => events / cpu
  const rows = results.map((result) => [
    result.path,
    thousands(rate(result)),
    ((result.cpu / result.events) * 1e6).toFixed(2),
    own === undefined ? '' : (rate(result) / rate(own)).toFixed(2),
    result.peak === 0 ? '-' : `${Math.round(result.peak / 1e6)} MB`,
  ])
  const header = ['path', 'events per CPU-second', 'CPU µs per event', 'ratio to Halfshake', 'peak memory']
  return `# Pipeline: events accepted over HTTP to rows queryable

${AGENTS} agents, batches of ${thousands(EVENTS)} events, gzip; ${thousands(AGENTS * EVENTS * MEASURED)} events after a warm-up of ${thousands(AGENTS * EVENTS * WARM_UP)}.
The counts of the raw table and of every rollup were checked after the run. Measured with \`npm run bench -- pipeline\` on
${describeMachine({ chdb: '3.4.0' })}.

${markdownTable(header, rows)}
`
}
