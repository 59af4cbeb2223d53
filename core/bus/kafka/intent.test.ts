import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatProgress, isWithin, newIncarnation, parseProgress, spansOf, tokenOf } from './intent.ts'

describe('the intent in the committed offset', () => {
  it('survives its way through the metadata, whatever is skipped', () => {
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 60 })
    const start = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 400 })
    fc.assert(
      fc.property(start, offsets, (from, skipped) => {
        const skip = spansOf(skipped.map((offset) => offset + from).sort((a, b) => a - b))
        const progress = { incarnation: newIncarnation(), intent: { from, to: from + 300, skip } }
        expect(parseProgress(formatProgress(progress))).toEqual(progress)
        for (let offset = from; offset <= from + 300; offset += 1) {
          expect(isWithin(skip, offset)).toBe(skipped.includes(offset - from))
        }
      }),
      { numRuns: 50 },
    )
  })

  it('says only which life of the partition it is when nothing is being written', () => {
    const progress = { incarnation: '0123456789abcdef' }
    expect(formatProgress(progress)).toBe('halfshake 1 0123456789abcdef')
    expect(parseProgress(formatProgress(progress))).toEqual(progress)
  })

  it('is not read from what somebody else wrote', () => {
    for (const text of [null, '', 'reset by an operator', '{"from":1}', 'halfshake 1 abc']) {
      expect(parseProgress(text)).toBeUndefined()
    }
  })

  it('is refused when a newer program wrote it', () => {
    expect(() => parseProgress('halfshake 2 0123456789abcdef 1-2')).toThrow(/run the newer one/)
  })

  it('names neighbouring offsets as one span, so that a long row of repeats stays short', () => {
    expect(spansOf([3, 4, 5, 9, 11, 12])).toEqual([
      { from: 3, to: 5 },
      { from: 9, to: 9 },
      { from: 11, to: 12 },
    ])
    expect(spansOf([])).toEqual([])
  })

  it('gives the same range of another life another token', () => {
    const range = { from: 0, to: 9 }
    expect(tokenOf('a', 3, range)).toBe('a:3:0-9')
    expect(tokenOf('b', 3, range)).not.toBe(tokenOf('a', 3, range))
  })
})
