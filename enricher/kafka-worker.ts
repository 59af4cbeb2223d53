import type { Registry } from 'prom-client'
import type { Batch } from '../core/bus/bus.ts'
import type { RangeHandler } from '../core/bus/kafka/range-writer.ts'
import type { Store } from '../core/store/store.ts'
import { blockOf, createWorkerMetrics, type Enrich } from './worker.ts'

/**
 * What the enricher does with ranges from Kafka: leaves out the batches that were stored before, and stores the others
 * as one block under the range's token, so that a range written again after a crash is recognised wherever it
 * already is and completed where it is not. Rows depend on the batch and the address database alone.
 */
export function createKafkaWorker({
  enrich,
  store,
  registry,
}: {
  enrich: Enrich
  store: Pick<Store, 'query' | 'write'>
  registry: Registry
}): RangeHandler {
  const metrics = createWorkerMetrics(registry)
  return {
    async findRepeats(batches) {
      const stored = await storedAmong(store, batches)
      const seen = new Set<string>()
      const repeats = new Set(
        batches.filter((batch) => {
          const key = keyOf(batch)
          const repeat = stored.has(key) || seen.has(key)
          seen.add(key)
          return repeat
        }),
      )
      metrics.repeated(repeats.size)
      return repeats
    },
    async store(batches, token) {
      await store.write(await blockOf(batches, enrich), { token })
      metrics.stored(batches)
    },
  }
}

/**
 * Which of the batches the store has, by agent, epoch and sequence. Each is asked for by its own number rather than
 * by the highest of its run: when a topic gets more partitions, an agent moves to another, and its later batches
 * can be stored before its earlier ones.
 */
async function storedAmong(
  store: Pick<Store, 'query'>,
  batches: readonly Batch[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const some of chunksOf(batches)) for (const key of await askFor(store, some)) found.add(key)
  return found
}

async function askFor(store: Pick<Store, 'query'>, batches: readonly Batch[]): Promise<string[]> {
  const rows = await store.query<{ agent: string; epoch: number; sequence: number }>(
    `SELECT DISTINCT agent, epoch, sequence FROM batches
     WHERE (agent, epoch, sequence) IN (
       SELECT arrayJoin(arrayZip({agents:Array(String)}, {epochs:Array(UInt64)}, {sequences:Array(UInt64)})))`,
    {
      agents: batches.map(({ agent }) => agent),
      epochs: batches.map(({ epoch }) => epoch),
      sequences: batches.map(({ sequence }) => sequence),
    },
  )
  return rows.map(keyOf)
}

/**
 * Over HTTP a query's values travel in the URL, where Node takes 16 kB with the headers, a proxy often 8 kB. An entry
 * has the agent's name, whose characters may each be escaped to three, two numbers, and what stands between them.
 */
const CHUNK_CHARACTERS = 6_000
const ENTRY_CHARACTERS = 48

function* chunksOf(batches: readonly Batch[]): Generator<Batch[]> {
  let chunk: Batch[] = []
  let size = 0
  for (const batch of batches) {
    const entry = encodeURIComponent(batch.agent).length + ENTRY_CHARACTERS
    if (chunk.length > 0 && size + entry > CHUNK_CHARACTERS) {
      yield chunk
      chunk = []
      size = 0
    }
    chunk.push(batch)
    size += entry
  }
  if (chunk.length > 0) yield chunk
}

function keyOf({ agent, epoch, sequence }: Pick<Batch, 'agent' | 'epoch' | 'sequence'>): string {
  return `${epoch} ${sequence} ${agent}`
}
