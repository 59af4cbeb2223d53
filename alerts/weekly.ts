export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** Windows that come back every week, by the clock on the wall of a time zone. */
export type Weekly = {
  /** The days on which a window begins. */
  days: Weekday[]
  /** As 22:00. */
  from: string
  /** Not after `from`: on the day after. The same as `from` is a whole day. */
  to: string
  /** An IANA name, as Europe/Berlin. */
  time_zone: string
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * The windows as moments. When clocks change, a time that is skipped is the moment of the change; of a time that comes twice,
 * a window begins with the first and ends with the second.
 */
export function createWeek({ days, from, to, time_zone }: Weekly): {
  /** The end of the window that a moment lies in, ms since 1970. */
  holdsUntil(at: number): number | undefined
} {
  const clock = createWallClock(time_zone)
  const opens = new Set<Weekday | undefined>(days)
  const begin = minutesOf(from)
  const end = minutesOf(to) + (minutesOf(to) <= begin ? 24 * 60 : 0)
  function endOf(at: number): number | undefined {
    const today = Math.floor(clock.wallOf(at) / DAY_MS) * DAY_MS
    // Tomorrow's too: where clocks go back at midnight it begins before today is over.
    const ends = [today - DAY_MS, today, today + DAY_MS]
      .filter((day) => opens.has(WEEKDAYS[new Date(day).getUTCDay()]))
      .filter((day) => clock.first(day + begin * MINUTE_MS) <= at)
      .map((day) => clock.last(day + end * MINUTE_MS))
      .filter((until) => until > at)
    return ends.length === 0 ? undefined : Math.max(...ends)
  }

  // Thousands of alerts ask for the same few minutes, and calendars are slow.
  const known = new Map<number, number | undefined>()
  return {
    holdsUntil(at) {
      if (!known.has(at)) known.set(at, endOf(at))
      return known.get(at)
    },
  }
}

/**
 * Moments and what a clock on the wall shows at them, written as if that were UTC, in ms. Times that the clock shows once are one moment,
 * those that it skips are that of the change, those that it shows twice are two.
 */
function createWallClock(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })

  function wallOf(at: number): number {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts as Parts
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }

  function momentsOf(wall: number): number[] {
    // No zone is more than a day from UTC, and none changes its clocks twice within two days.
    const offsets = [-DAY_MS, DAY_MS].map((away) => wallOf(wall + away) - (wall + away))
    const moments = offsets.map((offset) => wall - offset).filter((at) => wallOf(at) === wall)
    if (moments.length > 0) return moments
    return [changeBetween(wall - Math.max(...offsets), wall - Math.min(...offsets), wall)]
  }

  /** The first moment at which the clock shows more than a time that it skips. */
  function changeBetween(before: number, after: number, skipped: number): number {
    let [low, high] = [before, after]
    while (high - low > 1_000) {
      const middle = low + Math.floor((high - low) / 2_000) * 1_000
      if (wallOf(middle) > skipped) high = middle
      else low = middle
    }
    return high
  }

  return {
    wallOf,
    first: (wall: number) => Math.min(...momentsOf(wall)),
    last: (wall: number) => Math.max(...momentsOf(wall)),
  }
}

type Parts = Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number | undefined>

/** 22:30 as 1350. */
function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}
