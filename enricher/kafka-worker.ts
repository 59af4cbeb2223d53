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
      await store.write(blockOf(batches, enrich), { token })
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
  if (batches.length === 0) return new Set()
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
  return new Set(rows.map(keyOf))
}

function keyOf({ agent, epoch, sequence }: Pick<Batch, 'agent' | 'epoch' | 'sequence'>): string {
  return `${epoch} ${sequence} ${agent}`
}
