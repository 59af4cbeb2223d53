import { logRising } from './log-gamma.ts'

/** The excesses a stream is tested for: the share of the clients that used to succeed and now fail. */
export const EXCESSES = [0.015, 0.05, 0.15, 0.4, 0.9] as const

export type Accumulated = {
  /** Mixture Shiryaev–Roberts statistic: the mean of R over the excesses. */
  evidence: number
  /** Growth of the mixture in this minute, in nats: what the CUSUM that dates the onset adds. */
  growth: number
}

/**
 * Evidence of one minute for each excess D, as a log likelihood ratio in nats of two beta-binomials:
 *
 *   q₁ = e + (1 − e)·D,  M = (1 − ρ)/ρ
 *   l = lr(M·q₁, k) − lr(M·e, k) + lr(M·(1−q₁), n−k) − lr(M·(1−e), n−k),  at most `cap`
 *
 * `n` clients decided, `k` of them failed, `expected` the rate e that a healthy stream would have, `rho` the
 * intra-minute correlation. Writes exp(l) into `into` (as long as EXCESSES), because that is what accumulates.
 */
export function evidenceFactors(input: MinuteEvidence, into: Float64Array): void {
  const { n, k, expected, rho, cap } = input
  const mass = (1 - rho) / rho
  const limit = Math.exp(cap)
  if (n <= SMALL_MINUTE) factorsOfSmallMinute(n, k, expected, mass, into)
  else factorsOfLargeMinute(n, k, expected, mass, into)
  for (let d = 0; d < into.length; d++) into[d] = Math.min(limit, into[d] ?? 0)
}

export type MinuteEvidence = { n: number; k: number; expected: number; rho: number; cap: number }

/**
 * One step of the mixture: R ← (R + 1)·exp(l) for each excess, R at `offset` in `state`.
 * The e-detector of Shin, Ramdas, Rinaldo (2023): alarming at E ≥ A gives at least A minutes between false alarms
 * on average, without calibration, since E(exp l) ≤ 1 while the stream is healthy.
 */
export function accumulate(state: Float32Array, offset: number, factors: Float64Array): Accumulated {
  let before = 0
  let after = 0
  for (let d = 0; d < factors.length; d++) {
    const waiting = (state[offset + d] ?? 0) + 1
    const next = Math.min(LARGEST_SCORE, waiting * (factors[d] ?? 0))
    before += waiting
    after += next
    state[offset + d] = next
  }
  return { evidence: after / factors.length, growth: Math.log(after / before) }
}

/** Below this many clients the rising factorials are multiplied out: no logarithm, and most minutes are small. */
const SMALL_MINUTE = 24
/** Keeps R inside a 32-bit float; far above any threshold. */
const LARGEST_SCORE = 1e30

function factorsOfSmallMinute(n: number, k: number, e: number, mass: number, into: Float64Array): void {
  const healthy = rising(mass * e, k) * rising(mass * (1 - e), n - k)
  for (let d = 0; d < into.length; d++) {
    const q = e + (1 - e) * (EXCESSES[d] ?? 0)
    into[d] = (rising(mass * q, k) * rising(mass * (1 - q), n - k)) / healthy
  }
}

function rising(a: number, k: number): number {
  let product = 1
  for (let i = 0; i < k; i++) product *= a + i
  return product
}

function factorsOfLargeMinute(n: number, k: number, e: number, mass: number, into: Float64Array): void {
  const healthy = logRising(mass * e, k) + logRising(mass * (1 - e), n - k)
  for (let d = 0; d < into.length; d++) {
    const q = e + (1 - e) * (EXCESSES[d] ?? 0)
    into[d] = Math.exp(logRising(mass * q, k) + logRising(mass * (1 - q), n - k) - healthy)
  }
}
