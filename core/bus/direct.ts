import type { Component } from '../runtime/lifecycle.ts'
import { type Batch, type Bus, BusFull, type Receipt } from './bus.ts'

/** Takes batches in order and answers, for each, what became of it, once all of them are durable. */
export type Consume = (batches: readonly Batch[]) => Promise<Receipt[]>

type Waiting = {
  batch: Batch
  size: number
  resolve: (receipt: Receipt) => void
  reject: (error: unknown) => void
}

/** Most lines that are stored as one block: enough that the cost of a block is spread, little enough for memory. */
const BLOCK_LINES = 50_000

/**
 * The bus without a broker: a queue in this process. What waits is stored as one block, and every sender in it is
 * answered when the block is durable; while one block is written the next one gathers. The queue holds at most
 * `maxLines` lines, those being written included; beyond that `publish` throws `BusFull`.
 */
export function createDirectBus({
  consume,
  maxLines,
  onFailure,
}: {
  consume: Consume
  maxLines: number
  /** Told when the consumer fails for good; nothing more can be stored. */
  onFailure: (error: unknown) => void
}): Bus & Component & { waiting(): number } {
  const queue: Waiting[] = []
  let lines = 0
  let draining: Promise<void> | undefined
  let closed = false

  return {
    name: 'bus',
    start: async () => undefined,
    async stop() {
      closed = true
      await draining
    },
    waiting: () => lines,
    publish(batch) {
      const size = batch.events.length + batch.refused.length + batch.opened
      if (closed) return Promise.reject(new BusFull('the process is stopping', 5))
      // A batch larger than the whole bound is taken when nothing else waits, or it never would be.
      if (lines > 0 && lines + size > maxLines) {
        return Promise.reject(new BusFull(`${lines} events wait to be stored`, 1))
      }
      lines += size
      return new Promise((resolve, reject) => {
        queue.push({ batch, size, resolve, reject })
        draining ??= drain().finally(() => {
          draining = undefined
        })
      })
    },
  }

  async function drain(): Promise<void> {
    // Let the requests that are being read at this very moment join the first block.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) {
      const block = takeBlock(queue)
      try {
        const receipts = await consume(block.map(({ batch }) => batch))
        block.forEach(({ resolve, batch }, i) => {
          resolve(receipts[i] ?? missingReceipt(batch))
        })
      } catch (error) {
        for (const { reject } of block) reject(error)
        onFailure(error)
      } finally {
        for (const { size } of block) lines -= size
      }
    }
  }
}

function takeBlock(queue: Waiting[]): Waiting[] {
  let lines = 0
  let count = 0
  for (const { size } of queue) {
    if (count > 0 && lines + size > BLOCK_LINES) break
    lines += size
    count += 1
  }
  return queue.splice(0, count)
}

function missingReceipt({ agent, sequence }: Batch): never {
  throw new Error(`the consumer answered nothing for batch ${sequence} of ${agent}`)
}
