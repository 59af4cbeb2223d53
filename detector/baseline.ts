/** A rate with what is known of its uncertainty: the decayed counts behind it and its wandering between hours. */
export type RateHistory = {
  /** Decayed clients decided and failed, without the prior. */
  decided: number
  failed: number
  /** Variance of the rate from hour to hour beyond what counting explains, ≥ 0. */
  wander: number
}

/** The fleet prior: one failed client in `priorClients`, which also serves new and tiny networks. */
export const PRIOR_CLIENTS = 75
/** Half-life of what a stream remembers of itself. */
export const HALF_LIFE_HOURS = 7 * 24
export const HOURLY_DECAY = 2 ** (-1 / HALF_LIFE_HOURS)

/** Posterior mean of the failure rate: (failed + 1) / (decided + prior). */
export function meanRate(history: RateHistory, priorClients: number = PRIOR_CLIENTS): number {
  return (history.failed + 1) / (history.decided + priorClients)
}

/**
 * Upper 95 % limit of the failure rate the stream may have now without anything being wrong: the Gamma(failed + 1)
 * quantile of the count by Wilson & Hilferty (1931), and the hour-to-hour wandering on top, in quadrature.
 */
export function upperRate(history: RateHistory, priorClients: number = PRIOR_CLIENTS): number {
  const mean = meanRate(history, priorClients)
  const shape = history.failed + 1
  const upperCount = shape * (1 - 1 / (9 * shape) + Z95 / (3 * Math.sqrt(shape))) ** 3
  const counting = upperCount / (history.decided + priorClients) - mean
  const wandering = Z95 * Math.sqrt(history.wander)
  return Math.min(LARGEST_RATE, Math.max(SMALLEST_RATE, mean + Math.hypot(counting, wandering)))
}

/** What an hour of blocks says about the intra-minute correlation ρ; see {@link correlationOfHour}. */
export type CorrelationMoment = { excess: number; scale: number; information: number }

/** Sums over the blocks of an hour: failed², failed·decided, decided² and Σ over minutes of n(n − 1). */
export type HourOfBlocks = {
  blocks: number
  decided: number
  failed: number
  failedSquared: number
  failedTimesDecided: number
  decidedSquared: number
  pairs: number
}

/**
 * Moment estimate of ρ over one hour. Given the hour's own rate p, the blocks' spread is
 *   SS = Σ (k_b − n_b·p)²  with mean  p(1−p)·(1 − Σn_b²/N²)·(N + ρ·Σ n_i(n_i − 1)),
 * so SS beyond its binomial part is `scale`·ρ. Blocks of many minutes let autocorrelation count as
 * correlation too. `information` is the inverse variance of excess/scale, by which hours are weighted.
 */
export function correlationOfHour(hour: HourOfBlocks): CorrelationMoment {
  const { decided, failed, blocks } = hour
  if (blocks < 2 || failed === 0 || failed === decided) return { excess: 0, scale: 0, information: 0 }
  const p = failed / decided
  const variance = p * (1 - p)
  const freedom = 1 - hour.decidedSquared / (decided * decided)
  const spread = hour.failedSquared - 2 * p * hour.failedTimesDecided + p * p * hour.decidedSquared
  const scale = variance * hour.pairs * freedom
  const perBlock = (variance * (decided + PRIOR_RHO * hour.pairs)) / blocks
  const noise = blocks * perBlock * (1 + 2 * perBlock)
  return { excess: spread - variance * decided * freedom, scale, information: (scale * scale) / noise }
}

export const PRIOR_RHO = 0.01
/** The prior on ρ weighs as much as a measurement with this standard deviation. */
const PRIOR_RHO_DEVIATION = 0.005
export const SMALLEST_RHO = 0.0005
export const LARGEST_RHO = 0.3

/** ρ from information-weighted moments, the prior 0.01 as one more measurement, between 0.0005 and 0.3. */
export function correlation(weightedRho: number, information: number): number {
  const prior = 1 / PRIOR_RHO_DEVIATION ** 2
  const mean = (weightedRho + prior * PRIOR_RHO) / (information + prior)
  return Math.min(LARGEST_RHO, Math.max(SMALLEST_RHO, mean))
}

/** What an hour says about the wandering of the rate: {@link wanderOfHour}. */
export type WanderMoment = { excess: number; weight: number; noise: number }

/**
 * One hour's squared distance from the long-run mean, less what counting explains:
 *   excess = (k − n·p)² − p(1−p)·(n + ρ·Σ n_i(n_i − 1)),  weight = n²,  noise = variance of the excess.
 */
export function wanderOfHour(hour: WanderHour): WanderMoment {
  const { decided, failed, mean, rho, pairs } = hour
  const counting = mean * (1 - mean) * (decided + rho * pairs)
  const excess = (failed - decided * mean) ** 2 - counting
  return { excess, weight: decided * decided, noise: counting * (1 + 2 * counting) }
}

export type WanderHour = { decided: number; failed: number; mean: number; rho: number; pairs: number }

/**
 * Between-hour variance of the rate: the stream's own moments and the fleet's variance for a rate like this, each
 * weighed by its uncertainty, since most streams are too small to show their own drift. `pooled` is the fleet's
 * squared coefficient of variation, see {@link pooledWander}.
 */
export function wander(sums: WanderMoment, mean: number, pooled: number): number {
  const prior = pooled * mean * mean
  if (sums.weight <= 0) return prior
  const trust = 1 / (prior + DIFFERENT * mean * mean) ** 2
  const ownTrust = (sums.weight * sums.weight) / sums.noise
  const own = sums.excess / sums.weight
  return Math.max(0, (own * ownTrust + prior * trust) / (ownTrust + trust))
}

/** How far a stream's squared coefficient of variation may be from the fleet's (a drift of 10 % where it has none). */
const DIFFERENT = 0.01

/** Sums of a regression through the origin of the hours' excess on mean²·n². */
export type WanderPool = { cross: number; square: number }

/** Adds one stream's hour; a single hour far out, as in a fault, counts as if it were not so far out. */
export function poolHour(pool: WanderPool, moment: WanderMoment, mean: number): void {
  if (moment.noise <= 0) return
  const unit = mean * mean * moment.weight
  const excess = Math.min(moment.excess, OUTLIER * Math.sqrt(moment.noise))
  pool.cross += (excess * unit) / moment.noise
  pool.square += (unit * unit) / moment.noise
}

/** The fleet's squared coefficient of variation of rates between hours; small fleets are taken to be steady. */
export function pooledWander(pool: WanderPool): number {
  return Math.max(0, pool.cross / (pool.square + STEADY))
}

const OUTLIER = 20
/** Information of the assumption that there is no drift: that of some days of a mid-sized network. */
const STEADY = 1e4

const Z95 = 1.6448536269514722
const SMALLEST_RATE = 1e-5
const LARGEST_RATE = 0.98
