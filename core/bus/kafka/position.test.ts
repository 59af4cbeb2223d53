import { describe, expect, it } from 'vitest'
import { formatProgress, type Intent } from './intent.ts'
import { type OutOfRange, recheckPosition, resolvePosition } from './position.ts'

const OURS = '0123456789abcdef'
const BOUNDS = { low: 100, high: 200 }

describe('where a partition is read on', () => {
  it('is where the group is, or the first message there is; anything lost is told with its figures', () => {
    const cases: [string, Parameters<typeof resolvePosition>[1], number, Partial<OutOfRange> | undefined][] =
      [
        ['a new group', { offset: -1, metadata: '' }, 100, undefined],
        ['in its place', { offset: 150, metadata: progress() }, 150, undefined],
        ['at the end', { offset: 200, metadata: progress() }, 200, undefined],
        ['moved by hand', { offset: 150, metadata: '' }, 150, undefined],
        ['too late', { offset: 90, metadata: progress() }, 100, { reason: 'behind', missed: 10 }],
        [
          'too late for a range that was begun',
          { offset: 90, metadata: progress({ from: 90, to: 120, skip: [] }) },
          100,
          { reason: 'behind', missed: 10, unfinished: { from: 90, to: 120 } },
        ],
        ['a topic made anew', { offset: 201, metadata: progress() }, 100, { reason: 'beyond', missed: 0 }],
        [
          'an end that was lost',
          { offset: 150, metadata: progress({ from: 150, to: 200, skip: [] }) },
          150,
          { reason: 'beyond' },
        ],
        ['reset by the client', { offset: -2, metadata: '' }, 100, { reason: 'reset' }],
      ]
    for (const [name, committed, position, event] of cases) {
      const { owned, outOfRange } = resolvePosition(7, committed, BOUNDS)
      expect([name, owned.position, owned.intent]).toEqual([name, position, undefined])
      if (event === undefined) expect([name, outOfRange]).toEqual([name, undefined])
      else expect(outOfRange).toMatchObject({ partition: 7, was: committed.offset, now: position, ...event })
    }
  })

  it('is before the range that was announced, which is to be rebuilt', () => {
    const intent = { from: 150, to: 160, skip: [{ from: 152, to: 153 }] }
    const { owned, outOfRange } = resolvePosition(7, { offset: 150, metadata: progress(intent) }, BOUNDS)
    expect(owned).toMatchObject({ position: 150, intent, incarnation: OURS })
    expect(outOfRange).toBeUndefined()
  })

  it('keeps the name of this life of the offsets only while they mean the same', () => {
    const lifeAt = (offset: number, metadata: string | null) =>
      resolvePosition(7, { offset, metadata }, BOUNDS).owned.incarnation
    expect(lifeAt(150, progress())).toBe(OURS)
    expect(lifeAt(90, progress())).toBe(OURS)
    for (const other of [lifeAt(-1, ''), lifeAt(201, progress()), lifeAt(-2, ''), lifeAt(150, 'by hand')]) {
      expect(other).toMatch(/^[0-9a-f]{16}$/)
      expect(other).not.toBe(OURS)
    }
  })

  it('is looked at again when a message comes that is not the next', () => {
    const at = (position: number) => ({
      partition: 7,
      incarnation: OURS,
      position,
      intent: undefined,
      gathered: [],
    })
    expect(recheckPosition(at(150), BOUNDS)).toBeUndefined()
    expect(recheckPosition(at(90), BOUNDS)).toMatchObject({ reason: 'behind', missed: 10, now: 100 })
    expect(recheckPosition(at(300), BOUNDS)).toMatchObject({ reason: 'beyond', now: 100 })
  })
})

function progress(intent?: Intent): string {
  return formatProgress({ incarnation: OURS, ...(intent === undefined ? {} : { intent }) })
}
