/** Seeded randomness: the same keys give the same numbers, on every machine and in any order of asking. */
export type Random = {
  /** 0 ≤ x < 1. */
  next(): number
  /** A whole number, 0 ≤ x < below. */
  below(below: number): number
  /** low ≤ x < high. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly [T, ...T[]]): T
  /** One of `from`, each as likely as its weight. */
  weighted<T>(from: readonly [Weighted<T>, ...Weighted<T>[]]): T
  /** Standard normal. */
  normal(): number
  /** How many events, when `mean` are expected. */
  poisson(mean: number): number
}

export type Weighted<T> = readonly [value: T, weight: number]

/** Above this mean a Poisson count is drawn from the normal distribution next to it. */
const LARGE_MEAN = 50

/** A generator for these keys (numbers or texts): same keys, same numbers. */
export function randomOf(...keys: readonly (number | string)[]): Random {
  const next = mulberry32(hash(keys.join('\u0000')))
  const below = (limit: number) => Math.floor(next() * limit)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return {
    next,
    below,
    normal,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (from) => from[below(from.length)] ?? from[0],
    weighted(from) {
      let left = next() * from.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [value, weight] of from) {
        left -= weight
        if (left < 0) return value
      }
      return from[0][0]
    },
    poisson(mean) {
      if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
      let count = 0
      for (let left = next(), limit = Math.exp(-mean); left > limit; left *= next()) count += 1
      return count
    },
  }
}

/** Tommy Ettinger's mulberry32: 32 bits of state, passes gjrand; ample for traffic. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** FNV-1a, with a last mixing so that close keys give far seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}
