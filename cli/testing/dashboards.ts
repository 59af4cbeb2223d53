import { parseConfig } from '../../core/runtime/config.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { encodeBatches, encodeDeadLetters, encodeHandshakes } from '../../core/store/tables.ts'
import { handshakeRow, silent, storeAt } from '../../core/store/testing.ts'
import type { Answer } from '../../dashboards/testing/shape.ts'
import {
  createFeed,
  createFeeder,
  createPopulation,
  createTraffic,
  MINUTE_MS,
  readAsnRanges,
} from '../../lab/simulator/index.ts'
import { createPipeline } from '../pipeline.ts'
import { startReluctantReceiver, storeEarlierAlerts } from './alerts-past.ts'
import { freePort } from './processes.ts'

/** Minutes, before now: the same time of the day before, then the last hours with a network that breaks. */
const DAY_BEFORE = { from: 26 * 60, to: 24 * 60 }
const HISTORY = 180
const BROKEN_FOR = 40

/** What dashboards are looked at with: a pipeline with some hours in it. */
export type Observed = {
  /** The network that is broken. */
  victim: number
  /** The network of a client that fails by itself, in some hours. */
  bot: number
  /** The API. */
  url: string
  /** Asks as the data source does: over the ClickHouse HTTP interface, as the user who may only read. */
  ask(sql: string): Promise<Answer>
  stop(): Promise<void>
}

/** The whole pipeline over the simulator's traffic, until its detector has found the broken network and a webhook was told. */
export async function startObserved(folder: string): Promise<Observed> {
  const port = await freePort()
  const now = Date.now()
  await storeEarlier(folder, now)
  const webhook = await startReluctantReceiver()
  const population = createPopulation({ ranges: readAsnRanges(), networks: 60, visitsPerMinute: 250 })
  const traffic = createTraffic({ population, incidents: [{ from: now - BROKEN_FOR * MINUTE_MS }] })
  const dead = new AbortController()
  const pipeline = createPipeline({
    config: configOf(folder, port, webhook.url),
    log: silent,
    readers: 2,
    onDeath: (component, error) => dead.abort(new Error(`${component} died`, { cause: error })),
    beforeDetector: async (url) => {
      for (const [epoch, [from, to]] of [
        [DAY_BEFORE.from, DAY_BEFORE.to],
        [HISTORY, 0],
      ].entries()) {
        // Each stretch is a run of the agents: they started anew in between.
        const feeder = createFeeder({ url, epoch: now * 1_000 + epoch })
        const feed = createFeed({ traffic, feeder, from: now - (from ?? 0) * MINUTE_MS })
        await feed.advance(now - (to ?? 0) * MINUTE_MS)
      }
      await sendMistakes(url, now)
    },
  })
  const running = await startAll(pipeline.components, { log: silent })
  const observed: Observed = {
    victim: population.victim.asn,
    bot: population.bot.network.asn,
    url: pipeline.url(),
    ask: (sql) => ask(port, sql),
    async stop() {
      await running.stop()
      await webhook.close()
    },
  }
  await untilFound(observed, dead.signal)
  await untilTold(observed, dead.signal)
  return observed
}

/** The simulator's hours arrive in some seconds; these came when they happened, so that there is a past of arrivals and alerts. */
async function storeEarlier(folder: string, now: number): Promise<void> {
  const store = storeAt(folder)
  await store.start()
  for (const [at, hours] of [2, 1].entries()) {
    const received_at = now - hours * 60 * MINUTE_MS
    const batch = { received_at, agent: 'hand-made', epoch: 1, sequence: 1 + at }
    const place = { bus_partition: 0, bus_offset: 0 }
    const refused = { line: 2, reason: 'field', field: 'state', message: 'state is missing', bytes: 3 }
    await store.write([
      encodeHandshakes([handshakeRow({ ...batch, decided_at: received_at, site: '' })]),
      encodeDeadLetters([{ ...batch, ...place, ...refused, raw: Buffer.from('{}') }]),
      encodeBatches([{ ...batch, ...place, accepted: 1, handshakes: 1, rejected: 1 }]),
    ])
  }
  await storeEarlierAlerts(store, now)
  await store.stop()
}

function configOf(folder: string, port: number, webhook: string) {
  const parsed = parseConfig({
    yaml: `alerts: { receivers: [{ name: ops, type: webhook, url: "${webhook}" }] }`,
    env: {
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_DATA_FOLDER: folder,
      HALFSHAKE_STORE_SERVE: 'true',
      HALFSHAKE_STORE_LISTEN: `127.0.0.1:${port}`,
    },
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed))
  return parsed.config
}

/** A hand-made agent: one good line, one without a state, one whose clock is a day ahead. */
async function sendMistakes(url: string, now: number): Promise<void> {
  const good = {
    v: 1,
    id: 'a',
    state: 'active',
    opened_at: now - 50,
    decided_at: now,
    source_address: '8.8.8.8',
    source_port: 40_000,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 517,
    bytes_out: 4_000,
  }
  const ahead = now + 86_400_000
  const lines = [
    good,
    { ...good, id: 'b', state: undefined },
    { ...good, id: 'c', opened_at: ahead, decided_at: ahead },
  ]
  for (const sequence of [3, 4]) {
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      body: `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
      headers: {
        'content-type': 'application/x-ndjson',
        'halfshake-agent': 'hand-made',
        'halfshake-epoch': '1',
        'halfshake-sequence': String(sequence),
      },
    })
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
  }
}

async function untilFound({ url, victim }: Observed, dead: AbortSignal): Promise<void> {
  for (;;) {
    dead.throwIfAborted()
    const answer = await fetch(`${url}/v1/divergences?asn=${victim}`)
    const { items } = (await answer.json()) as { items: { cause: string }[] }
    if (items.some(({ cause }) => cause !== '')) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** Until the message about it was refused and taken. */
async function untilTold({ ask }: Observed, dead: AbortSignal): Promise<void> {
  for (;;) {
    dead.throwIfAborted()
    const { data } = await ask(`SELECT count() AS n FROM notifications FINAL WHERE state = 'delivered'`)
    if (Number(data[0]?.['n']) > 0) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function ask(port: number, sql: string): Promise<Answer> {
  const settings = new URLSearchParams({
    default_format: 'JSON',
    output_format_json_quote_64bit_integers: '0',
    max_execution_time: '30',
  })
  const answer = await fetch(`http://127.0.0.1:${port}/?${settings}`, {
    method: 'POST',
    body: sql,
    headers: { 'X-ClickHouse-User': 'reader' },
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${text.slice(0, 600)}\n${sql}`)
  return JSON.parse(text) as Answer
}
