import { expect, test } from 'vitest'
import { createOnce } from '../log.ts'
import type { Batch } from './batch.ts'
import { createReporterCounts } from './counts.ts'
import { createSpool } from './spool.ts'
import { createMemoryStore, type Store } from './store.ts'

const batch = (sequence: number, bytes = 100, epoch = 7): Batch => ({
  ...{ agent: 'a', epoch, sequence, events: 10, body: Buffer.alloc(bytes, sequence) },
})

function createTestSpool(store: Store = createMemoryStore()) {
  const counts = createReporterCounts()
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const log = { debug: say, info: say, warn: say, error: say }
  return { spool: createSpool({ store, maxBytes: 300, counts, log, once: createOnce() }), counts, said }
}

test('batches leave in the order of their numbers, an earlier epoch first', async () => {
  const { spool } = createTestSpool()
  for (const one of [batch(2), batch(1), batch(9, 10, 6)]) await spool.add(one)
  const order: string[] = []
  for (let first = spool.first(); first !== undefined; first = spool.first()) {
    order.push(`${first.epoch}/${first.sequence}`)
    expect((await spool.read(first))?.[0]).toBe(first.sequence)
    await spool.remove(first)
  }
  expect(order).toEqual(['6/9', '7/1', '7/2'])
  expect(spool.bytes).toBe(0)
  expect(spool.nextSequence(7)).toBe(3)
})

test('a full spool drops the oldest that was never sent, counts it, and says so once until it is empty again', async () => {
  const { spool, counts, said } = createTestSpool()
  await spool.add(batch(1))
  const first = spool.first()
  if (first !== undefined) first.attempted = true
  for (const sequence of [2, 3, 4, 5]) await spool.add(batch(sequence))
  expect(counts.dropped).toEqual({ spool_full: 20 })
  expect(spool.bytes).toBe(300)
  expect(said).toEqual([expect.stringMatching(/full/)])
  const kept: number[] = []
  for (let next = spool.first(); next !== undefined; next = spool.first()) {
    kept.push(next.sequence)
    await spool.remove(next)
  }
  expect(kept).toEqual([1, 4, 5])
  expect(said).toEqual([expect.stringMatching(/full/), expect.stringMatching(/empty again/)])
})

test('what the store cannot write is kept in memory, and said once', async () => {
  const full = { ...createMemoryStore(), write: () => Promise.reject(new Error('ENOSPC: no space left')) }
  const { spool, said } = createTestSpool(full)
  await spool.add(batch(1))
  await spool.add(batch(2))
  const first = spool.first()
  expect(first && (await spool.read(first))).toEqual(batch(1).body)
  expect(said).toEqual(['the spool keeps to memory: ENOSPC: no space left'])
  expect(await spool.release()).toBe(20)
})
