import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWeek, WEEKDAYS, type Weekday } from './weekly.ts'

const at = (text: string) => Date.parse(text)

describe('windows of the week', () => {
  // Computed by hand from the rules of the zones: Berlin changes at 01:00 UTC, New York at 02:00 of its own clock.
  it.each([
    ['Europe/Berlin', 'fri', '22:00', '06:00', '2026-03-20T21:00Z', '2026-03-21T05:00Z', 'past midnight'],
    ['Europe/Berlin', 'sat', '22:00', '06:00', '2026-03-28T21:00Z', '2026-03-29T04:00Z', 'an hour shorter'],
    ['Europe/Berlin', 'sat', '22:00', '06:00', '2026-10-24T20:00Z', '2026-10-25T05:00Z', 'an hour longer'],
    ['Europe/Berlin', 'sun', '00:00', '00:00', '2026-03-28T23:00Z', '2026-03-29T22:00Z', '23 hours'],
    ['Europe/Berlin', 'sun', '00:00', '00:00', '2026-10-24T22:00Z', '2026-10-25T23:00Z', '25 hours'],
    ['Europe/Berlin', 'sun', '02:30', '04:00', '2026-03-29T01:00Z', '2026-03-29T02:00Z', 'skipped start'],
    ['Europe/Berlin', 'sun', '01:00', '02:30', '2026-03-29T00:00Z', '2026-03-29T01:00Z', 'skipped end'],
    ['Europe/Berlin', 'sun', '02:30', '04:00', '2026-10-25T00:30Z', '2026-10-25T03:00Z', 'start twice'],
    ['Europe/Berlin', 'sun', '01:00', '02:30', '2026-10-24T23:00Z', '2026-10-25T01:30Z', 'end twice'],
    ['America/New_York', 'sun', '01:30', '02:30', '2026-03-08T06:30Z', '2026-03-08T07:00Z', 'skipped end'],
    ['America/New_York', 'sun', '01:30', '01:45', '2026-11-01T05:30Z', '2026-11-01T06:45Z', 'both twice'],
    [
      'Australia/Lord_Howe',
      'sun',
      '01:45',
      '03:00',
      '2026-04-04T14:45Z',
      '2026-04-04T16:30Z',
      'half an hour',
    ],
    ['Africa/Cairo', 'fri', '00:00', '02:00', '2026-04-23T22:00Z', '2026-04-23T23:00Z', 'skipped midnight'],
    ['America/St_Johns', 'sun', '00:00', '01:00', '2006-10-29T02:30Z', '2006-10-29T04:30Z', 'midnight twice'],
    ['Asia/Kolkata', 'mon', '09:00', '17:30', '2026-07-06T03:30Z', '2026-07-06T12:00Z', 'no change'],
    ['UTC', 'wed', '23:59', '00:01', '2026-07-08T23:59Z', '2026-07-09T00:01Z', 'two minutes'],
  ] as const)('%s, %s from %s to %s: %s to %s (%s)', (time_zone, day, from, to, begin, end, _why) => {
    const { holdsUntil } = createWeek({ days: [day], from, to, time_zone })
    expect(holdsUntil(at(begin) - 1)).toBeUndefined()
    expect(holdsUntil(at(begin))).toBe(at(end))
    expect(holdsUntil((at(begin) * 3 + at(end)) / 4)).toBe(at(end))
    expect(holdsUntil(at(end) - 1)).toBe(at(end))
    expect(holdsUntil(at(end))).toBeUndefined()
  })

  it('hold when the clock on the wall says so, in any zone, where no change is near', () => {
    const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu')
    const time = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(timeOf)
    const moment = fc.integer({ min: at('2026-01-01'), max: at('2028-01-01') })
    const days = fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 })
    fc.assert(
      fc.property(zone, time, time, moment, days, (time_zone, from, to, now, chosen) => {
        const away = [-2, 2].map((nights) => offsetAt(now + nights * 86_400_000, time_zone))
        fc.pre(away[0] === away[1])
        const until = createWeek({ days: chosen, from, to, time_zone }).holdsUntil(now)
        expect(until !== undefined).toBe(saysTheWall(now, { days: chosen, from, to, time_zone }))
        if (until !== undefined) expect(shownAt(until, time_zone).time).toBe(to)
      }),
      { numRuns: 400 },
    )
  })
})

function timeOf([hours, minutes]: readonly [number, number]): string {
  return [hours, minutes].map((part) => String(part).padStart(2, '0')).join(':')
}

function shownAt(now: number, timeZone: string): { day: Weekday; time: string } {
  const day = new Date(now).toLocaleDateString('en-GB', { timeZone, weekday: 'short' }).toLowerCase()
  const time = new Date(now).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })
  return { day: day as Weekday, time }
}

function offsetAt(now: number, timeZone: string): string {
  return new Date(now).toLocaleString('en-GB', { timeZone, timeZoneName: 'longOffset' }).replace(/.* /, '')
}

type Window = { days: Weekday[]; from: string; to: string; time_zone: string }

/** Without any moment: by what is shown alone. */
function saysTheWall(now: number, { days, from, to, time_zone }: Window): boolean {
  const { day, time } = shownAt(now, time_zone)
  const before = WEEKDAYS[(WEEKDAYS.indexOf(day) + 6) % 7] ?? day
  if (from < to) return days.includes(day) && time >= from && time < to
  return (days.includes(day) && time >= from) || (days.includes(before) && time < to)
}
