import type { Moment } from './parameter-types.ts'
import { badParameters } from './parameters.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Up to this span minutes are read; above, hours, with minutes at the two ends so that the window stays exact. */
const LONGEST_BY_MINUTE = 3 * HOUR
const LONGEST = 3_660 * DAY
const DEFAULT_SPAN = HOUR

/** A span of whole minutes, `to` excluded; all in ms since 1970. */
export type Window = {
  from: number
  to: number
  /** Which rollups answer for it. */
  rollup: 'minutes' | 'hours'
}

/** What is known when a window is read: the time, and from when on minutes are still stored. */
export type Clock = { now: number; minutesKeptFrom: number }

/**
 * The window asked for, widened to whole minutes, or to whole hours where minutes are no longer stored.
 * Without `to` it ends now; without `from` it is an hour long. Throws a 400 problem when it runs backwards or is too long.
 */
export function resolveWindow(
  asked: { from?: Moment | undefined; to?: Moment | undefined },
  clock: Clock,
): Window {
  const to = asked.to?.(clock.now) ?? clock.now
  const from = asked.from?.(clock.now) ?? to - DEFAULT_SPAN
  checkOrder(from, to)
  return windowOf(from, to, clock)
}

/** The window between two moments, widened as `resolveWindow` does. */
export function windowOf(
  from: number,
  to: number,
  { minutesKeptFrom }: Pick<Clock, 'minutesKeptFrom'>,
): Window {
  const unit = from < minutesKeptFrom ? HOUR : MINUTE
  const start = floorTo(from, unit)
  const end = ceilTo(to, unit)
  const byMinute = unit === MINUTE && end - start <= LONGEST_BY_MINUTE
  return { from: start, to: end, rollup: byMinute ? 'minutes' : 'hours' }
}

export function floorTo(at: number, unit: number): number {
  return Math.floor(at / unit) * unit
}

export function ceilTo(at: number, unit: number): number {
  return Math.ceil(at / unit) * unit
}

function checkOrder(from: number, to: number): void {
  if (from >= to) {
    throw badParameters([
      {
        parameter: 'from',
        message: `from ${iso(from)} is not before to ${iso(to)}`,
        allowed: 'a time before to',
      },
    ])
  }
  if (to - from > LONGEST) {
    throw badParameters([
      {
        parameter: 'from',
        message: `the window is ${Math.round((to - from) / DAY)} days long`,
        allowed: `at most ${LONGEST / DAY} days`,
      },
    ])
  }
}

/** ISO 8601 in UTC with milliseconds, as all times in answers. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
