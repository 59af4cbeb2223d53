import { describe, expect, it } from 'vitest'
import { TEN_YEARS } from '../../detector/options.ts'
import { lordenBound } from './bound.ts'
import { runFleet } from './fleet-run.ts'
import { createOurs, createThreshold } from './judges.ts'
import { shareAt } from './labels.ts'
import { createRandom } from './random.ts'
import { type Scenario, STANDARD } from './scenario.ts'
import { scoreOf } from './score.ts'

describe('lordenBound', () => {
  // Expected: ln A / KL with KL summed over Poisson volumes and beta-binomial failures, published with the method.
  it.each([
    [1, 0.002, 0, 3.0],
    [1, 0.002, 0.9, 74],
    [10, 0.002, 0.9, 7.9],
    [10, 0.002, 0.98, 124],
    [100, 0.01, 0.98, 25],
  ])('for %d a minute, rho %d, success %d', (volume, rho, success, expected) => {
    const bound = lordenBound({ volume, rho, healthy: 0.005, failing: 1 - success, alarmMinutes: TEN_YEARS })
    expect(bound / expected).toBeGreaterThan(0.98)
    expect(bound / expected).toBeLessThan(1.02)
  })
})

describe('random numbers', () => {
  it('have the moments of a beta-binomial', () => {
    const random = createRandom(1)
    const [n, p, rho, draws] = [50, 0.1, 0.02, 40_000]
    const drawn = Array.from({ length: draws }, () => random.betaBinomial(n, p, rho))
    const mean = drawn.reduce((sum, k) => sum + k, 0) / draws
    const variance = drawn.reduce((sum, k) => sum + (k - mean) ** 2, 0) / draws
    expect(mean).toBeCloseTo(n * p, 1)
    expect(variance / (n * p * (1 - p) * (1 + (n - 1) * rho))).toBeCloseTo(1, 1)
  })

  it('are the same for the same seed', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed).uniform)
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })
})

it('a ramp, a flapping and a total fault lose the share of clients they say', () => {
  const label = { network: 0, from: 100, to: 200, detectable: true }
  expect(shareAt({ ...label, kind: 'total', share: 1 }, 99)).toBe(0)
  expect(shareAt({ ...label, kind: 'total', share: 1 }, 100)).toBe(1)
  expect(shareAt({ ...label, kind: 'ramp', share: 0.6 }, 114)).toBeCloseTo(0.3, 12)
  expect(shareAt({ ...label, kind: 'flapping', share: 0.8 }, 106)).toBe(0)
})

it('a small fleet: the method finds what a threshold finds, without its false alarms, and twice the same', () => {
  const scenario: Scenario = {
    ...STANDARD,
    networks: 40,
    incidents: 20,
    outages: 1,
    learning_weeks: 0.5,
    test_weeks: 0.5,
  }
  const judge = () =>
    runFleet(
      scenario,
      5,
      (networks) => [createOurs(networks, 'ours'), createThreshold(networks.length)],
      () => undefined,
    )
  const run = judge()
  const [ours, threshold] = run.judges.map((rule) => scoreOf(rule, scenario, run.networks, run.labels))
  expect(ours?.recall).toBeGreaterThan(0.9)
  expect(ours?.falseAlarms).toBeLessThan(Math.max(1, (threshold?.falseAlarms ?? 0) / 20))
  expect(judge().judges[0]?.alarms()).toEqual(run.judges[0]?.alarms())
})
