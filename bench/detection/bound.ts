import { logGamma, logRising } from '../../detector/log-gamma.ts'

/**
 * Lorden's first-order lower bound on the mean delay of any rule with at least `alarmMinutes` between false alarms:
 * ln A / KL, KL the divergence per minute of the failing from the healthy stream (Lorden 1971). Minutes.
 */
export function lordenBound({ volume, rho, healthy, failing, alarmMinutes }: Change): number {
  return Math.log(alarmMinutes) / divergencePerMinute(volume, rho, healthy, failing)
}

export type Change = {
  /** Clients per minute, Poisson. */
  volume: number
  rho: number
  healthy: number
  failing: number
  alarmMinutes: number
}

function divergencePerMinute(volume: number, rho: number, healthy: number, failing: number): number {
  const spread = Math.ceil(6 * Math.sqrt(volume)) + 5
  const step = Math.max(1, Math.floor(spread / 40))
  let weights = 0
  let sum = 0
  for (let n = Math.max(0, Math.round(volume) - spread); n <= volume + spread; n += step) {
    const weight = Math.exp(n * Math.log(volume) - volume - logGamma(n + 1))
    weights += weight
    sum += weight * divergence(n, rho, healthy, failing)
  }
  return sum / weights
}

/** KL(beta-binomial(n, failing) ‖ beta-binomial(n, healthy)). */
function divergence(n: number, rho: number, healthy: number, failing: number): number {
  if (n === 0) return 0
  const mass = (1 - Math.max(rho, 1e-6)) / Math.max(rho, 1e-6)
  if (failing >= 1) return logRising(mass, n) - logRising(mass * healthy, n)
  let sum = 0
  for (let k = 0; k <= n; k++) {
    const bad = logRising(mass * failing, k) + logRising(mass * (1 - failing), n - k)
    const good = logRising(mass * healthy, k) + logRising(mass * (1 - healthy), n - k)
    const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
    sum += Math.exp(ways + bad - logRising(mass, n)) * (bad - good)
  }
  return sum
}
