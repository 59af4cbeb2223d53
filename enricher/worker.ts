import { promisify } from 'node:util'
import { Counter, type Registry } from 'prom-client'
import type { Batch, Receipt } from '../core/bus/bus.ts'
import type { HandshakeRow } from '../core/store/handshake-row.ts'
import { type Sequences, type Stored, storedBatch } from '../core/store/sequences.ts'
import type { Block, Store } from '../core/store/store.ts'
import {
  type BatchRow,
  type DeadLetterRow,
  encodeBatches,
  encodeDeadLetters,
  encodeHandshakeGroups,
} from '../core/store/tables.ts'

/** Rows that are made before the event loop goes on: some 10 ms of computing. */
const ROWS_IN_A_TURN = 2_000
const turnOfOthers = promisify(setImmediate)

/** Adds the network and the conclusion to each event of a batch. */
export type Enrich = (batch: Batch) => HandshakeRow[]

/**
 * Takes batches as they come from the bus, enriches them and writes them as one block. A batch that was stored
 * before is recognised and not counted again, also when it comes twice within one call.
 */
export function createWorker({
  enrich,
  store,
  sequences,
  registry,
}: {
  enrich: Enrich
  store: Pick<Store, 'query' | 'write'>
  sequences: Sequences
  registry: Registry
}): (batches: readonly Batch[]) => Promise<Receipt[]> {
  const metrics = createWorkerMetrics(registry)

  return async (batches) => {
    const stored = await storedBefore(batches, sequences, store)
    const fresh = new Set(firstOfEach(batches.filter((batch) => !stored.has(batch))))
    const block = [...fresh]
    await store.write(await blockOf(block, enrich))
    for (const { agent, epoch, sequence, received_at } of block) {
      sequences.note(agent, epoch, sequence, received_at)
    }
    metrics.stored(block)
    metrics.repeated(batches.length - block.length)
    return batches.map((batch) => {
      const { accepted, rejected } = stored.get(batch) ?? batchRow(batch)
      return { accepted, rejected, duplicate: !fresh.has(batch) }
    })
  }
}

/** Batches as one block: their handshakes, their refused lines, and that they were stored. */
export async function blockOf(batches: readonly Batch[], enrich: Enrich): Promise<Block> {
  return [
    await encodeHandshakeGroups(eachOf(batches, enrich), count(batches)),
    encodeDeadLetters(batches.flatMap(deadLettersOf)),
    encodeBatches(batches.map(batchRow)),
  ]
}

/**
 * The rows of each batch. A block takes some 0.3 s of computing: now and then others have their turn, so that requests
 * are answered and the broker hears from us meanwhile.
 */
async function* eachOf(batches: readonly Batch[], enrich: Enrich): AsyncGenerator<HandshakeRow[]> {
  let rows = 0
  for (const batch of batches) {
    if (rows >= ROWS_IN_A_TURN) {
      await turnOfOthers()
      rows = 0
    }
    rows += batch.events.length
    yield enrich(batch)
  }
}

function count(batches: readonly Batch[]): number {
  return batches.reduce((sum, { events }) => sum + events.length, 0)
}

/** What is counted of batches, whichever way they came. */
export function createWorkerMetrics(registry: Registry) {
  const inserted = counter(registry, 'halfshake_handshakes_inserted_total', 'Handshakes stored.')
  const blocks = counter(registry, 'halfshake_blocks_inserted_total', 'Blocks stored, each of many batches.')
  const dead = counter(registry, 'halfshake_dead_letters_total', 'Lines kept as dead letters.', ['reason'])
  const repeated = counter(
    registry,
    'halfshake_batches_repeated_total',
    'Batches that had been stored before.',
  )
  return {
    stored(batches: readonly Batch[]) {
      blocks.inc()
      for (const { events, refused } of batches) {
        inserted.inc(events.length)
        for (const { reason } of refused) dead.inc({ reason })
      }
    },
    repeated: (count: number) => repeated.inc(count),
  }
}

/** What was stored of those batches that were stored before. */
async function storedBefore(
  batches: readonly Batch[],
  sequences: Sequences,
  store: Pick<Store, 'query'>,
): Promise<Map<Batch, Stored>> {
  const found = new Map<Batch, Stored>()
  for (const batch of batches) {
    if (!sequences.mayBeStored(batch.agent, batch.epoch, batch.sequence)) continue
    const stored = await storedBatch(store, batch)
    if (stored !== undefined) found.set(batch, stored)
  }
  return found
}

/** Each batch once, however often it comes within one call. */
function firstOfEach(batches: readonly Batch[]): Batch[] {
  const seen = new Set<string>()
  return batches.filter(({ agent, epoch, sequence }) => {
    const key = `${epoch} ${sequence} ${agent}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function batchRow(batch: Batch): BatchRow {
  const { agent, epoch, sequence, received_at, bus_partition, bus_offset } = batch
  return {
    received_at,
    agent,
    epoch,
    sequence,
    bus_partition,
    bus_offset,
    accepted: batch.events.length + batch.opened,
    handshakes: batch.events.length,
    rejected: batch.refused.length,
  }
}

function deadLettersOf(batch: Batch): DeadLetterRow[] {
  const { agent, epoch, sequence, received_at, bus_partition, bus_offset } = batch
  return batch.refused.map((refused) => ({
    received_at,
    agent,
    epoch,
    sequence,
    bus_partition,
    bus_offset,
    ...refused,
  }))
}

function counter(registry: Registry, name: string, help: string, labelNames: string[] = []): Counter {
  return new Counter({ name, help, labelNames, registers: [registry] })
}
