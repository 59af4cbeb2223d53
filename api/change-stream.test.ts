import { Registry } from 'prom-client'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { silent } from '../core/store/testing.ts'
import { type ChangeStream, createChangeStream, DEFAULT_LISTENING, type Sink } from './change-stream.ts'
import { createListenerMetrics } from './listener-metrics.ts'

const LIMITS = { ...DEFAULT_LISTENING, listeners: 3, bufferedBytes: 10 }

const streams: ChangeStream[] = []
afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.stop()
  vi.useRealTimers()
})

/** A stream over numbers that a test stores, on a clock that a test moves. */
function world() {
  vi.useFakeTimers()
  const stored: number[] = []
  const asked: number[] = []
  const broken = { now: false }
  const registry = new Registry()
  const stream = createChangeStream({
    source: {
      of: 'tests',
      async after(after, rows) {
        asked.push(after)
        if (broken.now) throw new Error('away')
        const found = stored.filter((sequence) => sequence > after).slice(0, rows)
        return found.map((sequence) => ({ sequence, text: `${sequence} ` }))
      },
    },
    metrics: createListenerMetrics(registry),
    log: silent,
    limits: LIMITS,
    elapsed: () => Date.now(),
  })
  streams.push(stream)
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms)
  return { stream, stored, asked, broken, registry, passes }
}

/** Takes everything, unless it is held. */
function listener({ held = false } = {}) {
  const state = { got: '', waiting: 0, held, ended: '' }
  const sink: Sink = {
    write(text) {
      state.got += text
      if (state.held) state.waiting += text.length
    },
    buffered: () => state.waiting,
    end() {
      state.ended = 'ended'
    },
    destroy() {
      state.ended = 'destroyed'
    },
  }
  return { state, sink, reads: () => Object.assign(state, { held: false, waiting: 0 }) }
}

describe('the stream of changes', () => {
  test('asks the store once for all who listen, and not at all while nobody does', async () => {
    const { stream, stored, asked, passes } = world()
    await passes(10_000)
    expect(asked).toEqual([])
    const all = [listener(), listener(), listener()]
    const leaves = all.map(({ sink }) => stream.listen(sink, 0))
    stored.push(1, 2)
    await passes(3_500)
    expect(all.map(({ state }) => state.got)).toEqual(['1 2 ', '1 2 ', '1 2 '])
    expect(asked).toEqual([0, 2, 2, 2])
    for (const leave of leaves) leave()
    await passes(10_000)
    expect(asked).toHaveLength(4)
  })

  test('gives each what comes after its own place, once and in order, over many pages', async () => {
    const { stream, stored, passes } = world()
    stored.push(...Array.from({ length: 1_700 }, (_, i) => i + 1))
    const [early, late] = [listener(), listener()]
    stream.listen(early.sink, 3)
    stream.listen(late.sink, 1_699)
    await passes(1)
    stored.push(1_701)
    await passes(1_000)
    const numbers = ({ state }: typeof early) => state.got.trim().split(' ').map(Number)
    expect(numbers(early)).toEqual(Array.from({ length: 1_698 }, (_, i) => i + 4))
    expect(numbers(late)).toEqual([1_700, 1_701])
  })

  test('waits for a number that is missing, and goes on without it only after a while', async () => {
    const { stream, stored, passes } = world()
    const { state, sink } = listener()
    stream.listen(sink, 0)
    stored.push(1, 3)
    await passes(5_000)
    expect(state.got).toBe('1 ')
    stored.splice(1, 0, 2)
    await passes(1_000)
    expect(state.got).toBe('1 2 3 ')
    stored.push(5)
    await passes(LIMITS.gapMs - 2_000)
    expect(state.got.replaceAll(': nothing new\n\n', '')).toBe('1 2 3 ')
    await passes(4_000)
    expect(state.got.replaceAll(': nothing new\n\n', '')).toBe('1 2 3 5 ')
  })

  test('gives one that does not read no more, and what it missed when it reads again', async () => {
    const { stream, stored, passes } = world()
    const [slow, quick] = [listener({ held: true }), listener()]
    stream.listen(slow.sink, 0)
    stream.listen(quick.sink, 0)
    stored.push(...Array.from({ length: 20 }, (_, i) => i + 1))
    await passes(1)
    const all = stored.map((sequence) => `${sequence} `).join('')
    expect(quick.state.got).toBe(all)
    expect(slow.state.got).toBe('1 2 3 4 5 ')
    slow.reads()
    await passes(1_000)
    expect(slow.state.got).toBe(all)
    expect(slow.state.ended).toBe('')
  })

  test('disconnects one that goes on not reading, and nobody else', async () => {
    const { stream, stored, registry, passes } = world()
    const [slow, quick] = [listener({ held: true }), listener()]
    stream.listen(slow.sink, 0)
    stream.listen(quick.sink, 0)
    stored.push(...Array.from({ length: 20 }, (_, i) => i + 1))
    await passes(LIMITS.slowMs + 2_000)
    expect([slow.state.ended, quick.state.ended]).toEqual(['destroyed', ''])
    expect(slow.state.got).toBe('1 2 3 4 5 ')
    const text = await registry.metrics()
    expect(text).toContain('halfshake_api_listeners{of="tests"} 1')
    expect(text).toContain('halfshake_api_listeners_ended_total{of="tests",reason="slow"} 1')
  })

  test('says something when there is nothing to say', async () => {
    const { stream, stored, passes } = world()
    const { state, sink } = listener()
    stream.listen(sink, 0)
    await passes(14_000)
    expect(state.got).toBe('')
    await passes(2_000)
    expect(state.got).toBe(': nothing new\n\n')
    stored.push(1)
    await passes(14_000)
    expect(state.got).toBe(': nothing new\n\n1 ')
  })

  test('refuses one too many, until one leaves', async () => {
    const { stream } = world()
    const leaves = [0, 1, 2].map(() => stream.listen(listener().sink, 0))
    expect(() => stream.listen(listener().sink, 0)).toThrow(
      expect.objectContaining({ status: 503, type: 'too-many-listeners' }),
    )
    leaves[0]?.()
    leaves[0]?.()
    stream.listen(listener().sink, 0)
    expect(() => stream.listen(listener().sink, 0)).toThrow()
  })

  test('goes on where it was when the store was away', async () => {
    const { stream, stored, broken, passes } = world()
    const { state, sink } = listener()
    stream.listen(sink, 0)
    stored.push(1)
    broken.now = true
    await passes(3_000)
    expect(state.got).toBe('')
    broken.now = false
    await passes(1_000)
    expect(state.got).toBe('1 ')
  })

  test('ends all when it stops, asks no more, and takes nobody', async () => {
    const { stream, asked, registry, passes } = world()
    const { state, sink } = listener()
    stream.listen(sink, 0)
    await passes(1)
    await stream.stop()
    expect(state.ended).toBe('ended')
    expect(await registry.metrics()).toContain('reason="shutdown"} 1')
    expect(() => stream.listen(listener().sink, 0)).toThrow(expect.objectContaining({ type: 'stopping' }))
    const before = asked.length
    await passes(10_000)
    expect(asked).toHaveLength(before)
  })
})
