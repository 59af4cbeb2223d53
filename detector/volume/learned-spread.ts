import { at } from '../streams.ts'

/**
 * What a network's hours have taught of how its counts scatter: its minutes within an hour, and the same hour from day to
 * day. Both are means that forget by half in a week, and begin with what is true of networks in general.
 */

/** Fields, from wherever they begin in a row of floats: squared deviation of hours and its weight; spread of minutes and its weight. */
export const LEARNED_FIELDS = 4
const DEVIATION = 0
const DEVIATION_WEIGHT = 1
const SPREAD = 2
const SPREAD_WEIGHT = 3

/** Between days the same hour differs by so much; own experience joins with the weight of so many hours. */
const USUAL_DEVIATION = 0.25
const USUAL_SPREAD = 2
const PRIOR_HOURS = 12
const HOURLY_LEFT = 2 ** (-1 / (7 * 24))
const LARGEST_SPREAD = 20

/** How much the minutes of an hour spread beyond Poisson's, which is 1. */
export function spreadOf(floats: Float32Array, f: number): number {
  return at(floats, f + SPREAD) / at(floats, f + SPREAD_WEIGHT)
}

/** By which share the same hour differs from day to day, beyond what counting explains. */
export function deviationOf(floats: Float32Array, f: number): number {
  return Math.sqrt(at(floats, f + DEVIATION) / at(floats, f + DEVIATION_WEIGHT))
}

/** `squares`: sum of the squared counts of the hour's minutes. */
export function learnSpread(
  floats: Float32Array,
  f: number,
  { mean, squares, minutes }: { mean: number; squares: number; minutes: number },
): void {
  const weight = at(floats, f + SPREAD_WEIGHT) || PRIOR_HOURS
  const sum = at(floats, f + SPREAD) || PRIOR_HOURS * USUAL_SPREAD
  const variance = squares / minutes - mean * mean
  const spread = mean > 0 ? Math.min(LARGEST_SPREAD, Math.max(1, variance / mean)) : 1
  floats[f + SPREAD] = sum * HOURLY_LEFT + spread
  floats[f + SPREAD_WEIGHT] = weight * HOURLY_LEFT + 1
}

/** Learns from an hour of which the usual number was known; call `learnSpread` before. */
export function learnDeviation(
  floats: Float32Array,
  f: number,
  { mean, usual, minutes }: { mean: number; usual: number; minutes: number },
): void {
  beginDeviation(floats, f)
  const counting = spreadOf(floats, f) / (usual * minutes)
  const excess = Math.max(0, Math.min(1, (mean / usual - 1) ** 2) - counting)
  floats[f + DEVIATION] = at(floats, f + DEVIATION) * HOURLY_LEFT + excess
  floats[f + DEVIATION_WEIGHT] = at(floats, f + DEVIATION_WEIGHT) * HOURLY_LEFT + 1
}

/** Until something is learned, what is true of networks in general. */
export function beginDeviation(floats: Float32Array, f: number): void {
  if (at(floats, f + DEVIATION_WEIGHT) !== 0) return
  floats[f + DEVIATION] = PRIOR_HOURS * USUAL_DEVIATION ** 2
  floats[f + DEVIATION_WEIGHT] = PRIOR_HOURS
}
