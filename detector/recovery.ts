import { logRising } from './log-gamma.ts'

export const RECOVERY_EVIDENCE = 4.6
export const GOOD_MINUTES = 10

/**
 * Reverse evidence after one more minute: a CUSUM of the log likelihood ratio of "healthy again at rate e" over
 * "still failing" with half of the excess the incident has shown,
 *   V ← max(0, V + ln P(k | e) − ln P(k | e + excess/2)),  both beta-binomial as in evidence.ts.
 */
export function recoveryEvidence(before: number, minute: RecoveryMinute): number {
  const { n, k, expected, rho, failing } = minute
  const mass = (1 - rho) / rho
  const bad = expected + Math.max(SMALLEST_EXCESS, failing - expected) / 2
  const step =
    logRising(mass * expected, k) +
    logRising(mass * (1 - expected), n - k) -
    logRising(mass * bad, k) -
    logRising(mass * (1 - bad), n - k)
  return Math.max(0, before + step)
}

export type RecoveryMinute = {
  n: number
  k: number
  expected: number
  rho: number
  /** Failure rate since the onset. */
  failing: number
}

const SMALLEST_EXCESS = 0.02
