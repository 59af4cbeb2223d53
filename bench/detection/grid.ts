import { pushRow } from '../../detector/batch.ts'
import { createFleet, type Fleet } from '../../detector/fleet.ts'
import { ALL_PARTS, DEFAULT_OPTIONS, TEN_YEARS } from '../../detector/options.ts'
import { KIND } from '../../detector/streams.ts'
import { lordenBound } from './bound.ts'
import { createRandom, type Random } from './random.ts'

/** One configuration of the single-stream grid and what the detector made of it. */
export type GridResult = {
  volume: number
  rho: number
  /** Success rate the stream drops to. */
  drop: number
  bound: number
  /** Median minutes from the change to the alarm; Infinity when most were not found. */
  delay: number
  /** delay / max(3 minutes, bound). */
  ratio: number
}

export type QuietResult = { volume: number; rho: number; years: number; falseAlarms: number }

export const VOLUMES = [1, 10, 100, 1000]
export const RHOS = [0, 0.002, 0.01]
export const DROPS = [0, 0.5, 0.9, 0.98]
const HEALTHY = 0.005
const LEARNING = 14 * 24 * 60
const LONGEST_DELAY = 6000

/** Delays of all drops for one volume and ρ: `repetitions` streams each, all of which learned two weeks before. */
export function measureDelays(volume: number, rho: number, repetitions: number, seed: number): GridResult[] {
  const random = createRandom(seed)
  const streams = quietFleet(repetitions * DROPS.length)
  simulate(streams, 0, LEARNING, volume, rho, () => HEALTHY, random)
  const delays = DROPS.map(() => [] as number[])
  const rateOf = (stream: number) => 1 - (DROPS[stream % DROPS.length] ?? 0)
  const found = simulate(streams, LEARNING + 17, LONGEST_DELAY, volume, rho, rateOf, random, true)
  for (const [stream, minute] of found) delays[stream % DROPS.length]?.push(minute + 1)
  return DROPS.map((drop, index) => {
    const change = { volume, rho, healthy: HEALTHY, failing: 1 - drop, alarmMinutes: TEN_YEARS }
    const bound = lordenBound(change)
    const delay = median(delays[index] ?? [], repetitions)
    return { volume, rho, drop, bound, delay, ratio: delay / Math.max(3, bound) }
  })
}

/** False alarms of healthy streams over so many stream-years, after two weeks of learning. */
export function measureQuiet(volume: number, rho: number, years: number, seed: number): QuietResult {
  const random = createRandom(seed)
  const count = 40
  const minutes = Math.ceil((years * 525_960) / count)
  const fleet = quietFleet(count)
  simulate(fleet, 0, LEARNING, volume, rho, () => HEALTHY, random)
  const before = fleet.alarms
  simulate(fleet, LEARNING, minutes, volume, rho, () => HEALTHY, random)
  return { volume, rho, years, falseAlarms: fleet.alarms - before }
}

type Watched = { fleet: Fleet; streams: number[]; alarms: number }

/** Streams that are nothing to each other: the contrast to the world is off. */
function quietFleet(count: number): Watched {
  const fleet = createFleet({ ...DEFAULT_OPTIONS, parts: { ...ALL_PARTS, world: false, season: false } })
  const streams = Array.from({ length: count }, () => fleet.add(KIND.network, -1))
  return { fleet, streams, alarms: 0 }
}

/** Runs the streams and returns the minute of each one's first alarm; ends early once `untilFound` and all have one. */
function simulate(
  watched: Watched,
  from: number,
  minutes: number,
  volume: number,
  rho: number,
  rateOf: (index: number) => number,
  random: Random,
  untilFound = false,
): Map<number, number> {
  const { fleet, streams } = watched
  const stratum = fleet.world.stratum('', 4)
  const found = new Map<number, number>()
  const indexOf = new Map(streams.map((stream, index) => [stream, index]))
  for (let t = 0; t < minutes; t++) {
    streams.forEach((stream, index) => {
      if (untilFound && found.has(index)) return
      const n = random.poisson(volume)
      if (n === 0) return
      const k = random.betaBinomial(n, rateOf(index), rho)
      const worst = k > 0 ? 1 + random.below(1_000_000) : 0
      pushRow(fleet.batch, { stream, stratum, n, k, completed: n - k, worst, worstFailed: k > 0 ? 1 : 0 })
    })
    fleet.judge(from + t)
    for (const record of fleet.lifecycle.changes()) {
      const index = indexOf.get(record.stream)
      if (index === undefined || record.opened !== from + t) continue
      watched.alarms++
      if (!found.has(index)) found.set(index, t)
    }
    if (untilFound && found.size === streams.length) break
  }
  return found
}

function median(values: number[], of: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((of - 1) / 2)] ?? Number.POSITIVE_INFINITY
}
