import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../runtime/log.ts'
import { StoreRefused, StoreUnavailable } from '../../store/store.ts'
import type { Batch } from '../bus.ts'
import { createConsumerMetrics } from './consumer-metrics.ts'
import { cutRange } from './cut.ts'
import { formatProgress, MAX_METADATA_BYTES, type Progress } from './intent.ts'
import { createLease, type Owned } from './lease.ts'
import { encodeBatch, type RawMessage } from './message.ts'
import { createRangeWriter, type RangeHandler, type Step } from './range-writer.ts'
import { createReadiness } from './readiness.ts'
import { batchOf } from './testing.ts'

describe('a range', () => {
  it('is announced at its own offset, stored, and only then committed', async () => {
    const { hold, writer, told } = rig()
    expect(await writer.writeFresh(hold, await messagesOf([5, 6, 7]))).toBe(3)
    expect(told).toEqual([
      'read',
      'commit 5 with 5-7',
      'announced',
      'store 1,2,3 as 0123456789abcdef:3:5-7',
      'stored',
      'commit 8',
      'committed',
    ])
  })

  it('leaves out repeats and what is no batch, and says so in its intent', async () => {
    const { hold, writer, told, dead } = rig({ repeats: [6] })
    const messages = await messagesOf([5, 6, 7, 8])
    await writer.writeFresh(hold, [
      ...messages.slice(0, 3),
      { ...messages[3], value: Buffer.from('x') } as RawMessage,
    ])
    expect(told).toContain('commit 5 with 5-8 1,3')
    expect(told).toContain('store 1,3 as 0123456789abcdef:3:5-8')
    expect(dead).toEqual([8])
  })

  it('that holds nothing to store is passed over without being announced', async () => {
    const { hold, writer, told } = rig({ repeats: [5, 6] })
    await writer.writeFresh(hold, await messagesOf([5, 6]))
    expect(told).toEqual(['read', 'commit 7', 'committed'])
  })

  it('is rebuilt as it was announced: what was left out is left out, and nobody is asked again', async () => {
    const { hold, writer, told } = rig({ repeats: [5, 7] })
    await writer.rebuild(hold, { from: 5, to: 7, skip: [{ from: 6, to: 6 }] }, await messagesOf([5, 6, 7]))
    expect(told).toEqual([
      'announced',
      'store 1,3 as 0123456789abcdef:3:5-7',
      'stored',
      'commit 8',
      'committed',
    ])
  })

  it('is stored again and again under one token while the store is away', async () => {
    const { hold, writer, told } = rig({
      failures: [new StoreUnavailable('away'), new StoreUnavailable('away')],
    })
    await writer.writeFresh(hold, await messagesOf([5]))
    expect(told.filter((step) => step.startsWith('store '))).toEqual(
      Array.from({ length: 3 }, () => 'store 1 as 0123456789abcdef:3:5-5'),
    )
  })

  it('is not committed when the store refuses it', async () => {
    const { hold, writer, told } = rig({ failures: [new StoreRefused('no such table')] })
    await expect(writer.writeFresh(hold, await messagesOf([5]))).rejects.toThrow('no such table')
    expect(told.at(-1)).toBe('store 1 as 0123456789abcdef:3:5-5')
  })

  it('is broken off, still announced, when its lease ends while the store is away', async () => {
    const { hold, writer, told } = rig({
      failures: Array.from({ length: 9 }, () => new StoreUnavailable('away')),
    })
    const writing = writer.writeFresh(hold, await messagesOf([5]))
    setTimeout(() => hold.lease.end(), 20)
    await expect(writing).rejects.toMatchObject({ name: 'Abandoned' })
    expect(told).not.toContain('commit 6')
  })

  it('with more gaps than an intent can name is cut until it can', async () => {
    const offsets = Array.from({ length: 2_000 }, (_, i) => i)
    const repeats = offsets.filter((offset) => offset % 2 === 1)
    const { hold, writer, commits } = rig({ repeats })
    const messages = await messagesOf(offsets)
    const count = await writer.writeFresh(hold, messages)
    expect(count).toBeGreaterThan(100)
    expect(count).toBeLessThan(2_000)
    expect(formatProgress(commits[0]?.progress ?? { incarnation: '' }).length).toBeLessThanOrEqual(
      MAX_METADATA_BYTES,
    )
    expect(commits.at(-1)?.offset).toBe(count)
  })

  it('holds what its bounds allow, and one message that is larger than they are', async () => {
    const messages = await messagesOf([1, 2, 3, 4])
    const size = messages[0]?.value?.length ?? 0
    const limits = { messages: 10, bytes: 1e9, events: 1e9 }
    expect(cutRange(messages, limits)).toBe(4)
    expect(cutRange(messages, { ...limits, messages: 3 })).toBe(3)
    expect(cutRange(messages, { ...limits, bytes: size * 2.5 })).toBe(2)
    expect(cutRange(messages, { ...limits, events: 20 })).toBe(2)
    expect(cutRange(messages, { ...limits, bytes: 1 })).toBe(1)
  })
})

/** A writer whose store, dead letters and commits write down what they are told. */
function rig({ repeats = [], failures = [] }: { repeats?: number[]; failures?: Error[] } = {}) {
  const told: string[] = []
  const dead: number[] = []
  const commits: { offset: number; progress: Progress }[] = []
  const log = createLogger({ level: 'silent' })
  const handler: RangeHandler = {
    findRepeats: async (batches) => new Set(batches.filter(({ bus_offset }) => repeats.includes(bus_offset))),
    async store(batches: readonly Batch[], token) {
      told.push(`store ${batches.map(({ sequence }) => sequence).join(',')} as ${token}`)
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    },
  }
  const writer = createRangeWriter({
    handler,
    deadLetters: async (letters) => void dead.push(...letters.map(({ message }) => message.offset)),
    limits: { maxBytes: 1e6, maxUnzippedBytes: 1e6 },
    metrics: createConsumerMetrics(new Registry()),
    readiness: createReadiness({ name: 'bus', log }),
    observe: (step: Step) => void told.push(step),
    log,
  })
  const owned: Owned = {
    partition: 3,
    incarnation: '0123456789abcdef',
    position: 5,
    intent: undefined,
    gathered: [],
  }
  const commit = async (offset: number, progress: Progress) => {
    commits.push({ offset, progress })
    const about = formatProgress(progress).split(' ').slice(3).join(' ')
    told.push(about === '' ? `commit ${offset}` : `commit ${offset} with ${about}`)
  }
  return { writer, told, dead, commits, hold: { lease: createLease(), owned, commit } }
}

/** Batches numbered from 1 at these offsets. */
async function messagesOf(offsets: number[]): Promise<RawMessage[]> {
  return Promise.all(
    offsets.map(async (offset, i) => {
      const { key, value, headers } = await encodeBatch(batchOf({ sequence: i + 1 }), 1e6)
      return { partition: 3, offset, key: Buffer.from(key), value, headers }
    }),
  )
}
