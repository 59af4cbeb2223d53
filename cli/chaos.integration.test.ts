import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { countEverywhere, everywhere, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createRandom, pause, sendAll } from './testing/agents.ts'
import { freePort, halfshake, type Running, untilReady } from './testing/processes.ts'

const AGENTS = 50
const BATCHES = 20
const EVENTS = 100
const KILLS = 5
/** Another seed is another run: CHAOS_SEED=… */
const SEED = Number(process.env['CHAOS_SEED'] ?? 1)

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
    const agents = Array.from({ length: AGENTS }, (_, agent) =>
      sendAll({ agent, batches: BATCHES, events: EVENTS, urlOf: () => url, progress }),
    )
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
