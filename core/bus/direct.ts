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

/**
 * How long a block waits for the agents of the two before, of which each is expected to come with its next batch. Of
 * two, or agents that once fell into different blocks would take turns for ever, in blocks of half the size.
 */
const LINGER_MS = 1_000
const LINGER_STEP_MS = 5
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
  let lastAgents: readonly string[] = []
  let expected: ReadonlySet<string> = new Set()

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

  /**
   * Every block costs the engine a part in each table, however few its rows: so one waits, but not for long, until
   * all agents of the blocks before have come again.
   */
  async function gather(): Promise<void> {
    const deadline = Date.now() + LINGER_MS
    do {
      // The requests that are being read at this very moment join as well.
      await new Promise((resolve) => setImmediate(resolve))
      const come = new Set(queue.map(({ batch }) => batch.agent))
      if ([...expected].every((agent) => come.has(agent)) || size(queue) >= BLOCK_LINES) return
      await new Promise((resolve) => setTimeout(resolve, LINGER_STEP_MS))
    } while (!closed && Date.now() < deadline)
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await gather()
      const block = takeBlock(queue)
      const agents = block.map(({ batch }) => batch.agent)
      expected = new Set([...agents, ...lastAgents])
      lastAgents = agents
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

function size(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, one) => sum + one.size, 0)
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
