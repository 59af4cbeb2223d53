/** Seeded randomness: the same keys give the same numbers, on every machine and in any order of asking. */
export type Random = {
  /** 0 ≤ x < 1. */
  next(): number
  /** A whole number, 0 ≤ x < below. */
  below(below: number): number
  /** low ≤ x < high. */
  between(low: number, high: number): number
  chance(probability: number): boolean
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
  return new Mulberry32(hash(keys.join('\u0000')))
}

/**
 * Tommy Ettinger's mulberry32: 32 bits of state, passes gjrand; ample for traffic. A class, since a demo makes
 * hundreds of thousands of them.
 */
class Mulberry32 implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  weighted<T>(from: readonly [Weighted<T>, ...Weighted<T>[]]): T {
    let left = this.next() * from.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [value, weight] of from) {
      left -= weight
      if (left < 0) return value
    }
    return from[0][0]
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  poisson(mean: number): number {
    if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()))
    let count = 0
    for (let left = this.next(), limit = Math.exp(-mean); left > limit; left *= this.next()) count += 1
    return count
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
