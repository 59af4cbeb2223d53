import { describe, expect, it } from 'vitest'
import { logGamma, logRising } from './log-gamma.ts'

// Expected values: mpmath 1.3.0 with 40 digits, loggamma(x) and loggamma(a + k) - loggamma(a).
describe('logGamma', () => {
  it.each([
    [0.001, 6.907178885383853],
    [0.5, 0.5723649429247001],
    [1, 0],
    [3.7, 1.4280723266653879],
    [9.99, 12.779315214350193],
    [42.5, 115.90007047041453],
    [1e4, 82099.71749644238],
    [123456.789, 1323902.018795063],
  ])('agrees with mpmath at %d', (x, expected) => {
    expect(Math.abs(logGamma(x) - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)))
  })
})

describe('logRising', () => {
  it.each([
    [0.005, 3, -4.597685764278465],
    [0.8, 0, 0],
    [1.5, 24, 56.50994988135519],
    [1.5, 25, 59.74862833351957],
    [1998.5, 30, 228.22116544397085],
    [1e5, 1000, 11517.903905966527],
  ])('agrees with mpmath at (%d, %d)', (a, k, expected) => {
    expect(Math.abs(logRising(a, k) - expected)).toBeLessThanOrEqual(2e-9)
  })
})
