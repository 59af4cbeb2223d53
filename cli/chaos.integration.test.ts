import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DecidingEvent } from '../core/event/index.ts'
import { serializeEvents } from '../core/event/index.ts'
import { countEverywhere, everywhere, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { freePort, halfshake, type Running, untilReady } from './testing.ts'

const AGENTS = 50
const BATCHES = 20
const EVENTS = 100
const KILLS = 5
/** Another seed is another run: HALFSHAKE_CHAOS_SEED=… */
const SEED = Number(process.env['HALFSHAKE_CHAOS_SEED'] ?? 1)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let running: Running | undefined

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  await running?.ended
  await folder.remove()
})

describe('the pipeline under kill -9', () => {
  it(`has each of ${AGENTS * BATCHES * EVENTS} events once in raw and in every rollup after ${KILLS} kills (seed ${SEED})`, async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const random = createRandom(SEED)
    running = await start(port)
    const progress = { batches: 0, repeats: 0 }
    const agents = Array.from({ length: AGENTS }, (_, agent) => sendAll(url, agent, progress))
    const sent = Promise.all(agents)

    // A kill at a random moment of each fifth of the work, while batches are on their way.
    for (let kill = 0; kill < KILLS; kill += 1) {
      const at = ((kill + random()) / KILLS) * 0.95 * AGENTS * BATCHES
      while (progress.batches < at) await pause(2)
      await pause(random() * 40)
      running.child.kill('SIGKILL')
      expect(await running.ended).toBe('SIGKILL')
      running = await start(port)
    }

    const accepted = (await sent).reduce((sum, count) => sum + count, 0)
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)

    const store = storeAt(folder.path)
    await store.start()
    try {
      expect(accepted).toBe(AGENTS * BATCHES * EVENTS)
      expect(await countEverywhere(store)).toEqual(everywhere(accepted))
      expect(await store.query('SELECT uniqExact(id) AS ids FROM handshakes')).toEqual([{ ids: accepted }])
      expect(await store.query('SELECT sum(handshakes) AS n, count() AS batches FROM batches')).toEqual([
        { n: accepted, batches: AGENTS * BATCHES },
      ])
      const [failed] = await store.query<{ n: number }>(
        "SELECT count() AS n FROM handshakes WHERE outcome = 'failed'",
      )
      expect(await store.query('SELECT sum(handshakes) AS n FROM failed_clients_by_minute')).toEqual([failed])
    } finally {
      await store.stop()
    }
  }, 300_000)
})

async function start(port: number): Promise<Running> {
  const next = halfshake(['up'], {
    HALFSHAKE_DATA_FOLDER: folder.path,
    HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}`,
    HALFSHAKE_LOG_LEVEL: 'warn',
  })
  await untilReady(`http://127.0.0.1:${port}`, next)
  return next
}

/** One agent: a batch at a time, the same batch again until it is answered with 202. Returns what it was told was accepted. */
async function sendAll(
  url: string,
  agent: number,
  progress: { batches: number; repeats: number },
): Promise<number> {
  let accepted = 0
  for (let sequence = 1; sequence <= BATCHES; sequence += 1) {
    const body = serializeEvents(eventsOf(agent, sequence))
    const headers = {
      'content-type': 'application/x-ndjson',
      'halfshake-agent': `edge-${agent}`,
      'halfshake-epoch': String(1_000 + agent),
      'halfshake-sequence': String(sequence),
    }
    accepted += await untilAccepted(
      () => fetch(`${url}/v1/events`, { method: 'POST', body, headers }),
      progress,
    )
    progress.batches += 1
  }
  return accepted
}

async function untilAccepted(send: () => Promise<Response>, progress: { repeats: number }): Promise<number> {
  for (;;) {
    try {
      const answer = await send()
      const body = (await answer.json()) as { accepted: number; rejected: number }
      if (answer.status === 202) return body.accepted
      if (answer.status !== 503) throw new Error(`answered ${answer.status}: ${JSON.stringify(body)}`)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      progress.repeats += 1
    }
    await pause(30)
  }
}

function eventsOf(agent: number, sequence: number): DecidingEvent[] {
  const now = Date.now()
  return Array.from({ length: EVENTS }, (_, i): DecidingEvent => {
    const about = {
      v: 1,
      id: `${agent}-${sequence}-${i}`,
      opened_at: now - 60_000 * (i % 5) - 80,
      decided_at: now - 60_000 * (i % 5),
      source_address: `203.0.${agent}.${i}`,
      source_port: 10_000 + i,
      destination_address: '198.51.100.1',
      destination_port: 443,
      bytes_in: 517,
      bytes_out: 0,
    } as const
    return i % 10 === 0
      ? { ...about, state: 'closed', ended_by: 'reset' }
      : { ...about, state: 'active', tls_version: 'TLSv1.3', bytes_out: 4_000 }
  })
}

/** Mulberry32: the same seed, the same moments. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
