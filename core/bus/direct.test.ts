import { describe, expect, it } from 'vitest'
import type { Batch, Receipt } from './bus.ts'
import { createDirectBus } from './direct.ts'

const unexpected = (error: unknown) => {
  throw error
}

describe('the direct bus', () => {
  it('answers each sender with its own receipt, and stores what waits together as one block', async () => {
    const blocks: number[][] = []
    const bus = createDirectBus({
      maxLines: 1_000,
      onFailure: unexpected,
      consume: async (batches) => {
        blocks.push(batches.map(({ sequence }) => sequence))
        await new Promise((resolve) => setTimeout(resolve, 5))
        return batches.map(({ sequence }) => receipt(sequence))
      },
    })
    const first = bus.publish(batch(1))
    await new Promise((resolve) => setImmediate(resolve))
    const rest = [2, 3, 4].map((sequence) => bus.publish(batch(sequence)))
    expect(await Promise.all([first, ...rest])).toEqual([1, 2, 3, 4].map(receipt))
    expect(blocks).toEqual([[1], [2, 3, 4]])
    expect(bus.waiting()).toBe(0)
  })

  it('takes nothing beyond its bound, and takes again when there is room', async () => {
    const held: (() => void)[] = []
    const bus = createDirectBus({
      maxLines: 25,
      onFailure: unexpected,
      consume: async (batches) => {
        await new Promise<void>((resolve) => held.push(resolve))
        return batches.map(({ sequence }) => receipt(sequence))
      },
    })
    const taken = [bus.publish(batch(1)), bus.publish(batch(2))]
    await expect(bus.publish(batch(3))).rejects.toMatchObject({ name: 'BusFull', retryAfterSeconds: 1 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (const release of held) release()
    await Promise.all(taken)
    const again = bus.publish(batch(3))
    await new Promise((resolve) => setTimeout(resolve, 5))
    for (const release of held) release()
    expect(await again).toEqual(receipt(3))
  })

  it('takes one batch that is larger than the bound, or it could never be sent', async () => {
    const bus = createDirectBus({
      maxLines: 5,
      onFailure: unexpected,
      consume: async (batches) => batches.map(({ sequence }) => receipt(sequence)),
    })
    expect(await bus.publish(batch(1))).toEqual(receipt(1))
  })

  it('tells every sender of a block, and the process, when it cannot be stored', async () => {
    const failures: unknown[] = []
    const bus = createDirectBus({
      maxLines: 1_000,
      onFailure: (error) => failures.push(error),
      consume: () => Promise.reject(new Error('schema changed')),
    })
    const sent = await Promise.allSettled([bus.publish(batch(1)), bus.publish(batch(2))])
    expect(sent.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(failures).toHaveLength(1)
    expect(bus.waiting()).toBe(0)
  })

  it('finishes what it has when it is stopped, and takes nothing more', async () => {
    const bus = createDirectBus({
      maxLines: 1_000,
      onFailure: unexpected,
      consume: async (batches) => batches.map(({ sequence }) => receipt(sequence)),
    })
    const last = bus.publish(batch(1))
    await bus.stop()
    expect(await last).toEqual(receipt(1))
    await expect(bus.publish(batch(2))).rejects.toMatchObject({ name: 'BusFull' })
  })
})

/** A batch of ten lines. */
function batch(sequence: number): Batch {
  return {
    agent: 'edge',
    epoch: 1,
    sequence,
    received_at: 0,
    bus_partition: 0,
    bus_offset: 0,
    events: [],
    opened: 10,
    refused: [],
  }
}

function receipt(accepted: number): Receipt {
  return { accepted, rejected: 0, duplicate: false }
}
