import { describe, expect, it } from 'vitest'
import { accumulate, EXCESSES, evidenceFactors } from './evidence.ts'

// Expected values: mpmath 1.3.0 with 40 digits, the formula of evidenceFactors written with loggamma.
const LOG_LIKELIHOOD_RATIOS: [n: number, k: number, e: number, rho: number, l: number[]][] = [
  [
    1,
    0,
    0.006,
    0.01,
    [-0.0151136378100482, -0.0512932943875505, -0.162518929497775, -0.510825623765991, -Math.LN10],
  ],
  [
    1,
    1,
    0.006,
    0.01,
    [1.24846804421249, 2.22822067770518, 3.25231060095444, 4.2086648192514, 5.01130173863942],
  ],
  [
    10,
    2,
    0.006,
    0.002,
    [2.18021597599667, 3.79619925356617, 4.93897877903392, 4.08463051726437, -8.20218356073367],
  ],
  [
    24,
    3,
    0.02,
    0.03,
    [0.723602064667238, 1.54927812681044, 1.90222817664382, -0.918288187620036, -17.6396670486119],
  ],
  [
    25,
    3,
    0.02,
    0.03,
    [0.714539868977529, 1.51874586596936, 1.80768386823268, -1.19347119760582, -18.4189724393317],
  ],
  [
    1000,
    12,
    0.01,
    0.01,
    [-0.00848766368591871, -3.28950668527761, -19.9729469281538, -77.1059262986079, -240.590108142814],
  ],
  [
    120,
    43,
    0.008,
    0.01,
    [4.7407392697749, 11.7333401543318, 22.2370029110444, 28.0322757379083, -8.99381267960503],
  ],
]

function logFactors(n: number, k: number, expected: number, rho: number, cap = 100): number[] {
  const factors = new Float64Array(EXCESSES.length)
  evidenceFactors({ n, k, expected, rho, cap }, factors)
  return [...factors].map(Math.log)
}

describe('evidenceFactors', () => {
  it.each(LOG_LIKELIHOOD_RATIOS)('agrees with mpmath for n=%d k=%d e=%d rho=%d', (n, k, e, rho, expected) => {
    const got = logFactors(n, k, e, rho)
    got.forEach((l, d) => {
      expect(l).toBeCloseTo(expected[d] ?? Number.NaN, 8)
    })
  })

  it('lets no single minute add more than the cap', () => {
    expect(Math.max(...logFactors(120, 43, 0.008, 0.01, 7.7))).toBeCloseTo(7.7, 12)
  })

  it('has mean 1 under a healthy stream, which is what bounds the false alarms', () => {
    // P(k) of the beta-binomial is C(n, k)·B(Me + k, M(1−e) + n − k)/B(Me, M(1−e)); for n = 3 written out.
    const [n, e, rho] = [3, 0.1, 0.05]
    const m = (1 - rho) / rho
    const rising = (a: number, k: number) =>
      Array.from({ length: k }, (_, i) => a + i).reduce((x, y) => x * y, 1)
    const sums = new Array(EXCESSES.length).fill(0)
    for (let k = 0; k <= n; k++) {
      const ways = [1, 3, 3, 1][k] ?? 0
      const p = (ways * rising(m * e, k) * rising(m * (1 - e), n - k)) / rising(m, n)
      logFactors(n, k, e, rho).forEach((l, d) => {
        sums[d] += p * Math.exp(l)
      })
    }
    for (const sum of sums) expect(sum).toBeCloseTo(1, 10)
  })
})

describe('accumulate', () => {
  it('steps R to (R + 1)·exp(l) and reports the mean and the growth of the mixture', () => {
    const state = new Float32Array([9, 0, 1, 3, 0, 1])
    const { evidence, growth } = accumulate(state, 1, new Float64Array([2, 1, 1, 1, 0.5]))
    // R after: (0+1)·2, (1+1)·1, (3+1)·1, (0+1)·1, (1+1)·½ = 2, 2, 4, 1, 1; before the factors 1, 2, 4, 1, 2.
    expect([...state]).toEqual([9, 2, 2, 4, 1, 1])
    expect(evidence).toBe(2)
    expect(growth).toBe(Math.log(10 / 10))
  })

  it('stays finite however long it grows', () => {
    const state = new Float32Array(5)
    for (let minute = 0; minute < 100; minute++) accumulate(state, 0, new Float64Array(5).fill(2000))
    expect(state.every(Number.isFinite)).toBe(true)
  })
})
