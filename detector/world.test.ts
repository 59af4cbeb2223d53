import { describe, expect, it } from 'vitest'
import { cappedWeight, contrasted, excessWithout, rateVariance } from './world.ts'

describe('cappedWeight', () => {
  it('caps a giant at 2 % of all clients', () => expect(cappedWeight(900, 1000, 500)).toBe(20))
  it('keeps a small network whole', () => expect(cappedWeight(3, 1000, 500)).toBe(3))
  it('gives few networks an equal share at most', () => expect(cappedWeight(90, 100, 4)).toBe(25))
})

it('rateVariance is the binomial variance widened by the correlation', () => {
  expect(rateVariance(11, 0.1, 0.02)).toBeCloseTo((0.09 * 1.2) / 11, 12)
})

describe('excessWithout', () => {
  const all = { weight: 110, excess: 21, variance: 5 }
  it('leaves the network out, and adds two standard errors', () => {
    // mean (21 − 1)/(110 − 10) = 0.2, error √4/100 = 0.02
    expect(excessWithout(all, { weight: 10, excess: 1, variance: 1 })).toBeCloseTo(0.24, 12)
  })
  it('is zero within three standard errors', () => {
    expect(
      excessWithout({ weight: 100, excess: 5.9, variance: 4 }, { weight: 0, excess: 0, variance: 0 }),
    ).toBe(0)
  })
  it('is zero when there is no rest of the world', () => expect(excessWithout(all, all)).toBe(0))
})

it('contrasted allows for one and a half times what the world sees', () => {
  expect(contrasted(0.02, 0.1)).toBeCloseTo(0.02 + 0.98 * 0.15, 12)
})
