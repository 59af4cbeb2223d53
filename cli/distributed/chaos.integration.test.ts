import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../core/bus/kafka/testing.ts'
import type { ServerStore } from '../../core/store/server.ts'
import { countEverywhere, everywhere, temporaryFolder } from '../../core/store/testing.ts'
import { ensureAsnDatabase } from '../../enricher/asn-database.ts'
import { createRandom, type Progress, pause, sendAll } from '../testing/agents.ts'
import { type Cluster, createCluster, PROCESSES, type ProcessName } from './testing/cluster.ts'

const AGENTS = 8
const BATCHES = 50
const EVENTS = 500
const TOTAL = AGENTS * BATCHES * EVENTS
const KILLS = 21
/** Another seed is another run: CHAOS_SEED=… */
const SEED = Number(process.env['CHAOS_SEED'] ?? 1)

let built: Awaited<ReturnType<typeof temporaryFolder>>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let cluster: Cluster

beforeAll(async () => {
  built = await temporaryFolder()
  await ensureAsnDatabase({ dataFolder: built.path })
})
afterAll(() => built.remove())
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  await cluster.end()
  await folder.remove()
})

describe('the steps as processes of their own', () => {
  it(`have each of ${TOTAL} events once in raw and in every rollup after ${KILLS} kills and a cut line (seed ${SEED})`, async () => {
    await startCluster()
    const random = createRandom(SEED)
    const progress: Progress = { batches: 0, repeats: 0 }
    let kills = 0
    // So that the kills are spread over the work, however fast the machine is.
    const mayGo = async () => {
      while (progress.batches > ((kills + 1) / KILLS) * AGENTS * BATCHES) await pause(5)
    }
    const sending = sendEvents(random, progress, BATCHES, mayGo)
    const cut = cluster.line.cutAtInsert(4_000)
    for (const victim of chooseVictims(KILLS, random)) {
      while (progress.batches < (kills / KILLS) * AGENTS * BATCHES) await pause(2)
      await cluster.untilReady(victim)
      await pause(random() * 300)
      await cluster.kill(victim)
      await pause(random() * 500)
      await cluster.start(victim)
      kills += 1
    }
    expect(await sending).toBe(TOTAL)
    await cut

    const store = await cluster.openStore()
    try {
      await untilStored(store, TOTAL)
      // The one that was killed last may still be starting, and one that is told to end before it listens to that ends of the signal.
      for (const name of PROCESSES) await cluster.untilReady(name)
      expect(await cluster.stop('enricher-1')).toBe(0)
      expect(await cluster.stop('enricher-2')).toBe(0)
      expect(await countEverywhere(store)).toEqual(everywhere(TOTAL))
      expect(await store.query('SELECT uniqExact(id) AS ids FROM handshakes')).toEqual([{ ids: TOTAL }])
      expect(await store.query('SELECT sum(handshakes) AS n, count() AS batches FROM batches')).toEqual([
        { n: TOTAL, batches: AGENTS * BATCHES },
      ])
    } finally {
      await store.stop()
    }
  }, 600_000)

  it('count twice when the line is cut and the token is taken from them: the guarantee is the token', async () => {
    await startCluster('token')
    const cut = cluster.line.cutAtInsert(500)
    await sendEvents(createRandom(SEED), { batches: 0, repeats: 0 }, 2)
    await cut
    const store = await cluster.openStore()
    try {
      await untilStored(store, AGENTS * 2 * EVENTS)
      const counts = await countEverywhere(store)
      expect(counts['handshakes']).toBeGreaterThan(AGENTS * 2 * EVENTS)
    } finally {
      await store.stop()
    }
  }, 120_000)
})

async function startCluster(without?: 'token'): Promise<void> {
  const asnDatabase = join(built.path, 'asn.mmdb')
  cluster = await createCluster({
    folder: folder.path,
    asnDatabase,
    ...(without === undefined ? {} : { without }),
  })
  // In no order: each waits for what it needs.
  await cluster.start(...PROCESSES)
  for (const name of PROCESSES) await cluster.untilReady(name)
}

/** Whom to kill, in order: rounds in which every process has its turn, each round in an order of chance. */
function chooseVictims(count: number, random: () => number): ProcessName[] {
  const rounds = Array.from({ length: Math.ceil(count / PROCESSES.length) }, () =>
    PROCESSES.map((name) => ({ name, place: random() })).sort((a, b) => a.place - b.place),
  )
  return rounds
    .flat()
    .map(({ name }) => name)
    .slice(0, count)
}

/** All agents at once; each sending goes to either ingest, so that a repeat often comes through the other one. */
async function sendEvents(
  random: () => number,
  progress: Progress,
  batches: number,
  mayGo?: () => Promise<void>,
): Promise<number> {
  const urlOf = () => cluster.urlOf(random() < 0.5 ? 'ingest-1' : 'ingest-2')
  const agents = Array.from({ length: AGENTS }, (_, agent) =>
    sendAll({ agent, batches, events: EVENTS, urlOf, progress, ...(mayGo === undefined ? {} : { mayGo }) }),
  )
  return (await Promise.all(agents)).reduce((sum, count) => sum + count, 0)
}

async function untilStored(store: ServerStore, total: number): Promise<void> {
  await until(
    async () => (await store.query<{ n: number }>('SELECT sum(handshakes) AS n FROM batches'))[0]?.n ?? 0,
    (stored) => stored >= total,
    120_000,
  )
}
