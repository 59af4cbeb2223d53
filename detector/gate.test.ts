import { describe, expect, it } from 'vitest'
import {
  chernoffAbove,
  chernoffBelow,
  hasCollapsed,
  isDrastic,
  isExtraTraffic,
  isManyClients,
  isSubstantial,
} from './gate.ts'

const episode = { decided: 100, failed: 20, expected: 0.01, failingClients: 8, worstClient: 3 }

describe('isSubstantial', () => {
  it('asks for five failures and one percentage point', () => {
    expect(isSubstantial(episode)).toBe(true)
    expect(isSubstantial({ ...episode, failed: 4 })).toBe(false)
    expect(isSubstantial({ ...episode, decided: 5, failed: 5 })).toBe(true)
    expect(isSubstantial({ ...episode, decided: 5, failed: 4 })).toBe(false)
    expect(isSubstantial({ ...episode, decided: 5000, failed: 80, expected: 0.007 })).toBe(false)
  })

  it('is content with four where nobody succeeded', () => {
    expect(isSubstantial({ ...episode, decided: 4, failed: 4 })).toBe(true)
    expect(isSubstantial({ ...episode, decided: 3, failed: 3 })).toBe(false)
  })
})

it('isDrastic asks for twenty points', () => {
  expect(isDrastic(episode)).toBe(false)
  expect(isDrastic({ ...episode, failed: 22 })).toBe(true)
})

describe('isManyClients', () => {
  it('holds when many clients fail', () => expect(isManyClients(episode)).toBe(true))
  it('does not hold for two clients', () =>
    expect(isManyClients({ ...episode, failingClients: 2 })).toBe(false))
  it('does not hold when the worst client makes more than half of the excess', () => {
    expect(isManyClients({ ...episode, worstClient: 12 })).toBe(false)
  })
})

describe('Chernoff exponents', () => {
  // 10 − 2 + 2·ln(2/10) and 10 − 25 + 25·ln(25/10), by mpmath.
  it('agree with the formula', () => {
    expect(chernoffBelow(2, 10)).toBeCloseTo(4.7811241751318, 12)
    expect(chernoffAbove(25, 10)).toBeCloseTo(7.90726829685388, 12)
  })

  it('are zero on the other side of the mean and whole when nothing is left', () => {
    expect(chernoffBelow(12, 10)).toBe(0)
    expect(chernoffAbove(9, 10)).toBe(0)
    expect(chernoffBelow(0, 10)).toBe(10)
  })
})

describe('hasCollapsed', () => {
  it('sees successes vanish against half of what is usual', () => {
    expect(hasCollapsed(0, 23)).toBe(true)
    expect(hasCollapsed(0, 22)).toBe(false)
    expect(hasCollapsed(40, 100)).toBe(false)
  })
})

describe('isExtraTraffic', () => {
  const usual = { expectedFailed: 1, usualDecided: 100, usualSucceeded: 99 }
  it('sees a scanner: a hundred failures more, nobody missing', () => {
    expect(isExtraTraffic({ decided: 205, failed: 105, ...usual })).toBe(true)
  })
  it('lets a fault in growing traffic pass', () => {
    const thousand = { expectedFailed: 10, usualDecided: 1000, usualSucceeded: 990 }
    expect(isExtraTraffic({ decided: 1200, failed: 150, ...thousand })).toBe(false)
  })
  it('lets a fault pass: the failing clients are missing among the successes', () => {
    expect(isExtraTraffic({ decided: 100, failed: 60, ...usual })).toBe(false)
  })
  it('lets a fault pass whose clients try again every minute', () => {
    expect(isExtraTraffic({ decided: 220, failed: 180, ...usual })).toBe(false)
  })
})
