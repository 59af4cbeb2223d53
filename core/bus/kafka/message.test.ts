import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../bus.ts'
import { BatchTooLarge } from '../bus.ts'
import { BAD_MESSAGES, decodeMessage, encodeBatch, type RawMessage } from './message.ts'
import { batchOf } from './testing.ts'

const LIMITS = { maxBytes: 100_000, maxUnzippedBytes: 200_000 }

describe('a batch as a message', () => {
  it('comes back as it was, refused lines with their bytes included', async () => {
    const raw = Buffer.from([0, 255, 10, 13])
    const refused = { line: 3, reason: 'not_json', field: '', message: 'nö', bytes: 4, raw }
    const batch = { ...batchOf({ events: 5, agent: 'edge-ü' }), opened: 7, refused: [refused] }
    expect(await roundTrip(batch)).toEqual({
      ok: true,
      batch: { ...batch, bus_partition: 3, bus_offset: 42 },
    })
  })

  it('is newline-delimited JSON under gzip, with the agent as its key', async () => {
    const { key, value, headers } = await encodeBatch(batchOf({ events: 2 }), 1e6)
    const lines = gunzipSync(value).toString().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).line)).toEqual([1, 2])
    expect(key).toBe('edge-1')
    expect(headers).toMatchObject({ schema: '1', epoch: '1', sequence: '1', events: '2', refused: '0' })
  })

  it('is read without gzip too, as an operator would write it by hand', async () => {
    const message = await messageOf(batchOf({ events: 2 }))
    const { encoding: _, ...headers } = message.headers
    const plain = { ...message, headers, value: gunzipSync(message.value ?? '') }
    expect(await decodeMessage(plain, LIMITS)).toMatchObject({ ok: true })
  })

  it('keeps less of its refused lines before it is too large to be sent, and says so when it still is', async () => {
    const raw = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * i * 7919) >>> 5))
    const refused = { line: 1, reason: 'not_json', field: '', message: '', bytes: raw.length, raw }
    const shortened = await encodeBatch({ ...batchOf({ events: 0 }), refused: [refused] }, 2_000)
    const decoded = await decodeMessage(message(shortened), LIMITS)
    expect(decoded.ok && decoded.batch.refused).toMatchObject([{ bytes: 60_000, raw: raw.subarray(0, 256) }])
    await expect(encodeBatch(batchOf({ events: 100 }), 100)).rejects.toThrow(BatchTooLarge)
  })

  it('is refused with a reason when anything about it is wrong', async () => {
    const good = await messageOf(batchOf({ events: 3 }))
    const value = good.value ?? Buffer.alloc(0)
    const text = gunzipSync(value).toString()
    const zipped = (changed: string) => ({ ...good, value: gzipSync(changed) })
    const headed = (headers: Record<string, string>) => ({
      ...good,
      headers: { ...good.headers, ...headers },
    })
    const cases: [(typeof BAD_MESSAGES)[number], RawMessage][] = [
      ['too_large', { ...good, value: Buffer.alloc(100_001) }],
      ['too_large', zipped(' '.repeat(300_000))],
      ['empty', { ...good, value: null }],
      ['empty', { ...good, key: null }],
      ['unknown_schema', headed({ schema: '2' })],
      ['unknown_schema', { ...good, headers: {} }],
      ['bad_header', headed({ epoch: '-1' })],
      ['bad_header', headed({ encoding: 'zstd' })],
      ['bad_header', { ...good, key: Buffer.alloc(129, 'a') }],
      ['bad_gzip', { ...good, value: value.subarray(0, value.length - 9) }],
      ['bad_gzip', { ...good, value: Buffer.from('{"line":1}') }],
      ['not_json', zipped(text.slice(0, -5))],
      ['not_json', { ...good, value: gzipSync(Buffer.from([0xff, 0xfe])) }],
      ['bad_event', zipped('7\n')],
      ['bad_event', zipped('{"line":1,"event":{"v":1}}\n')],
      ['bad_event', zipped('{"line":1,"reason":"x"}\n')],
      ['bad_event', zipped(text.replace('"state":"active"', '"state":"new"'))],
      ['incomplete', headed({ events: '4' })],
      ['incomplete', zipped(text.slice(text.indexOf('\n') + 1))],
    ]
    for (const [reason, bad] of cases) {
      const decoded = await decodeMessage(bad, LIMITS)
      expect(decoded.ok ? 'ok' : decoded.reason).toBe(reason)
    }
    expect(new Set(cases.map(([reason]) => reason))).toEqual(new Set(BAD_MESSAGES))
  })

  it('never throws, whatever the bytes', async () => {
    const good = await messageOf(batchOf({ events: 1 }))
    const bytes = fc.uint8Array({ maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (value, zip) => {
        const buffer = zip ? gzipSync(value) : Buffer.from(value)
        expect((await decodeMessage({ ...good, value: buffer }, LIMITS)).ok).toBe(false)
      }),
    )
  })
})

async function roundTrip(batch: Batch) {
  return decodeMessage(await messageOf(batch), LIMITS)
}

async function messageOf(batch: Batch): Promise<RawMessage> {
  return message(await encodeBatch(batch, 1e6))
}

function message({ key, value, headers }: Awaited<ReturnType<typeof encodeBatch>>): RawMessage {
  return { partition: 3, offset: 42, key: Buffer.from(key), value, headers }
}
