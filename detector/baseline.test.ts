import { describe, expect, it } from 'vitest'
import {
  correlation,
  correlationOfHour,
  meanRate,
  pooledWander,
  poolHour,
  upperRate,
  wander,
  wanderOfHour,
} from './baseline.ts'

describe('meanRate and upperRate', () => {
  it('expect one failure in 75 clients of a network never seen', () => {
    expect(meanRate({ decided: 0, failed: 0, wander: 0 })).toBeCloseTo(1 / 75, 12)
  })

  // Expected values: scipy 1.17.1, gamma.ppf(0.95, failed + 1) / (decided + 75).
  it.each([
    [0, 0, 2.9957322735539895 / 75],
    [925, 1, 4.743864518390577 / 1000],
    [9925, 4, 9.153519026637573 / 10000],
    [9925, 50, 63.287074095747165 / 10000],
    [100725, 504, 542.523211301919 / 100800],
  ])(
    'give the upper 95 % limit after %d clients with %d failures within 1 %%',
    (decided, failed, expected) => {
      const upper = upperRate({ decided, failed, wander: 0 })
      expect(Math.abs(upper / expected - 1)).toBeLessThan(0.01)
    },
  )

  it('widen the limit by 1.645 standard deviations of the wandering, in quadrature', () => {
    const narrow = { decided: 1e9, failed: 1e7, wander: 0 }
    const upper = upperRate({ ...narrow, wander: 0.002 ** 2 })
    expect(upper - upperRate(narrow)).toBeCloseTo(1.6448536 * 0.002, 4)
  })
})

describe('correlationOfHour', () => {
  it('gives the moment worked out by hand for two blocks', () => {
    // Blocks (n, k) = (10, 4), (10, 0), one minute each: p = 0.2, SS = (4−2)² + (0−2)² = 8, freedom 1 − 200/400,
    // binomial part 0.16·20·0.5 = 1.6, scale 0.16·(2·90)·0.5 = 14.4.
    const moment = correlationOfHour({
      blocks: 2,
      decided: 20,
      failed: 4,
      failedSquared: 16,
      failedTimesDecided: 40,
      decidedSquared: 200,
      pairs: 180,
    })
    expect(moment.excess).toBeCloseTo(6.4, 12)
    expect(moment.scale).toBeCloseTo(14.4, 12)
  })

  it('says nothing of an hour without failures', () => {
    const silent = { blocks: 12, decided: 600, failed: 0, failedSquared: 0, failedTimesDecided: 0 }
    expect(correlationOfHour({ ...silent, decidedSquared: 30000, pairs: 5000 }).information).toBe(0)
  })
})

describe('correlation', () => {
  it('is the prior 0.01 before anything is known and what was measured once much is', () => {
    expect(correlation(0, 0)).toBe(0.01)
    expect(correlation(0.002 * 1e9, 1e9)).toBeCloseTo(0.002, 5)
  })

  it('stays between 0.0005 and 0.3', () => {
    expect(correlation(-1 * 1e9, 1e9)).toBe(0.0005)
    expect(correlation(0.9 * 1e9, 1e9)).toBe(0.3)
  })
})

describe('wander', () => {
  it('takes from an hour what lies beyond counting', () => {
    // (30 − 1000·0.02)² = 100; counting 0.02·0.98·(1000 + 0.01·50000) = 29.4.
    const moment = wanderOfHour({ decided: 1000, failed: 30, mean: 0.02, rho: 0.01, pairs: 50000 })
    expect(moment.excess).toBeCloseTo(70.6, 10)
    expect(moment.weight).toBe(1e6)
  })

  it('is the fleet’s for a stream of which little is known, and its own once much is', () => {
    expect(wander({ excess: 0, weight: 0, noise: 0 }, 0.02, 0.04)).toBeCloseTo(0.04 * 0.0004, 12)
    expect(wander({ excess: 1e4, weight: 1e9, noise: 1e-3 }, 0.02, 0.04)).toBeCloseTo(1e-5, 12)
  })

  it('is never negative', () => expect(wander({ excess: -1e4, weight: 1e9, noise: 1 }, 0.02, 0)).toBe(0))
})

describe('pooledWander', () => {
  it('finds the coefficient of variation that the hours have in common', () => {
    // excess = 0.04·mean²·n² exactly, with plenty of information.
    const pool = { cross: 0, square: 0 }
    const moment = { excess: 0.04 * 0.0001 * 1e8, weight: 1e8, noise: 1e4 }
    for (let hour = 0; hour < 100; hour++) poolHour(pool, moment, 0.01)
    expect(pooledWander(pool)).toBeCloseTo((0.04 * 1e6) / (1e6 + 1e4), 6)
  })

  it('takes a small fleet to be steady', () =>
    expect(pooledWander({ cross: 10, square: 10 })).toBeLessThan(0.002))
})
