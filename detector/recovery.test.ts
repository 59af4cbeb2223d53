import { expect, it } from 'vitest'
import { recoveryEvidence } from './recovery.ts'

// Expected values: mpmath 1.3.0, beta-binomial log likelihoods at 0.01 and at 0.21, rho 0.01, n = 10.
const minute = { n: 10, expected: 0.01, rho: 0.01, failing: 0.41 }

it('grows by the log likelihood ratio of healthy over failing', () => {
  expect(recoveryEvidence(1, { ...minute, k: 0 })).toBeCloseTo(1 + 2.14830654006018, 9)
})

it('falls back to zero, never below, in a bad minute', () => {
  expect(recoveryEvidence(3, { ...minute, k: 6 })).toBe(0)
  expect(recoveryEvidence(20, { ...minute, k: 6 })).toBeCloseTo(20 - 11.429667926779, 9)
})
