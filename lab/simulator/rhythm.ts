import type { SimulatedNetwork } from './population.ts'
import { randomOf } from './random.ts'

export const MINUTE_MS = 60_000

/** How much more, or less, than the daily mean is on at the peak and in the trough. */
const RHYTHM = 0.45
/** Failures come in clusters: spread of a network's rate from five minutes to five minutes. */
const CLUSTER = { minutes: 5, sigma: 0.5 }
/** In which share of the hours the bot is at work. */
const BOT_HOURS = 0.25

/** A network's volume at this minute, as a multiple of its daily mean. */
export function rhythm({ peakHour }: SimulatedNetwork, minute: number): number {
  const hour = (minute / 60) % 24
  return 1 + RHYTHM * Math.cos((2 * Math.PI * (hour - peakHour)) / 24)
}

/** A network's failure rate in these five minutes, as a multiple of its own: log-normal with mean 1. */
export function clusterFactor(seed: string, { asn }: SimulatedNetwork, minute: number): number {
  const random = randomOf(seed, 'cluster', asn, Math.floor(minute / CLUSTER.minutes))
  return Math.exp(CLUSTER.sigma * random.normal() - CLUSTER.sigma ** 2 / 2)
}

export function botIsAtWork(seed: string, minute: number): boolean {
  return randomOf(seed, 'bot', Math.floor(minute / 60)).chance(BOT_HOURS)
}
