/** Weighted sums over networks in one stratum: weight w, w·(failure rate − expected rate), w²·variance of the rate. */
export type WorldSums = { weight: number; excess: number; variance: number }

export const LARGEST_SHARE = 0.02

/**
 * A network's weight: its clients, but at most 2 % of all (or an equal share where fewer than 50 networks are
 * active), so that no giant speaks for the world.
 */
export function cappedWeight(clients: number, allClients: number, networks: number): number {
  return Math.min(clients, Math.max(LARGEST_SHARE, 1 / networks) * allClients)
}

/** Variance of k/n for a beta-binomial of rate p: p(1−p)·(1 + (n−1)ρ)/n. */
export function rateVariance(n: number, p: number, rho: number): number {
  return (p * (1 - p) * (1 + (n - 1) * rho)) / n
}

/**
 * Excess failure share δ of the world without one network (`own` may be zeros): the weighted mean excess when it is
 * above 3 standard errors, plus 2 of them, to err on the side of blaming ourselves; otherwise 0. In [0, 1].
 */
export function excessWithout(all: WorldSums, own: WorldSums): number {
  const weight = all.weight - own.weight
  if (weight <= all.weight * 1e-6) return 0
  const mean = (all.excess - own.excess) / weight
  const error = Math.sqrt(Math.max(0, all.variance - own.variance)) / weight
  return mean > 3 * error ? Math.min(1, mean + 2 * error) : 0
}

/** Expected rate while the rest of the world has the excess δ: q + (1 − q)·1.5·δ. */
export function contrasted(q: number, delta: number): number {
  return Math.min(LARGEST_RATE, q + (1 - q) * CONTRAST * delta)
}

/** δ above which the verdict is "our side" and no network of the stratum is judged. */
export const OUR_SIDE = 0.4
/** ρ is at least this while the world has an excess: a shared fault does not hit everyone alike. */
export const SHARED_FAULT_RHO = 0.03
const CONTRAST = 1.5
const LARGEST_RATE = 0.98
