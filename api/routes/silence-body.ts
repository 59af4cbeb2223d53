import { z } from 'zod'
import { cidr } from '../../alerts/rule-schema.ts'
import type { Matchers, Silence } from '../../alerts/silence.ts'
import { WEEKDAYS } from '../../alerts/weekly.ts'
import { LARGEST_ASN, type Moment, moment, text, words } from '../parameter-types.ts'
import { badBody } from '../parameters.ts'
import { DAY } from '../window.ts'

/** A silence lasts no longer: whoever wants more looks at it again. */
export const LONGEST = 366 * DAY
const SPAN_UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: DAY }

/** What names alerts, in the body that asks for a silence. */
export const matchersBody = {
  rule: listOf(text({ min: 1, max: 63 }), 'rule ids').describe('Only alerts of these rules.'),
  severity: listOf(
    z.enum(['critical', 'warning', 'info'], 'severities: critical, warning, info'),
    'severities: critical, warning, info',
  ).describe('Only of these severities.'),
  asn: listOf(asNumber(), 'AS numbers, as 64500 or "AS64500"').describe(
    'Only about these networks and their prefixes.',
  ),
  label: listOf(text({ min: 1, max: 255 }), 'labels').describe('Only about networks with these labels.'),
  prefix: listOf(cidr(), 'prefixes, as "203.0.113.0/24"').describe(
    'Only about these prefixes and those inside them.',
  ),
  site: listOf(text({ min: 1, max: 64 }), 'sites').describe('Only about these sites.'),
  everything: z
    .boolean('true or false')
    .default(false)
    .describe('true, and none of the above, for every alert there is.'),
}

const WEEKLY_FIELDS = 'one object with days, from, to, time_zone'
export const silenceBody = {
  ...matchersBody,
  author: words({ max: 128 }).describe('Who decides it: a name others know.'),
  reason: words({ max: 2_000 }).describe('Why, for those who wonder what became of their messages.'),
  starts_at: moment()
    .optional()
    .describe('From when it holds; now when left out, or when it has passed; at most a year from now.'),
  ends_at: ending().describe(
    'Until when it holds: a time, or a span after the start, as +2h; at most a year.',
  ),
  weekly: z
    .strictObject(
      {
        days: z
          .array(z.enum(WEEKDAYS, daysShape()), daysShape())
          .min(1, daysShape())
          .max(7, daysShape())
          .describe('Days on which a window begins.'),
        from: wallTime().describe('By the clock on the wall, as 22:00.'),
        to: wallTime().describe('Not after `from`: on the day after; the same is a whole day.'),
        time_zone: timeZone(),
      },
      WEEKLY_FIELDS,
    )
    .optional()
    .describe('Only within these hours of the week.'),
}

type Body = z.output<z.ZodObject<typeof silenceBody>>

/** What was asked for, at the time it was asked; throws a 400 problem where the fields do not go together. */
export function silenceFrom(body: Body, now: number): Omit<Silence, 'id'> {
  const starts_at = Math.max(now, body.starts_at?.(now) ?? now)
  if (starts_at - now > LONGEST)
    throw wrong('starts_at', 'starts_at is more than a year from now', 'a time within the next 366 days')
  const ends_at = body.ends_at(starts_at)
  if (ends_at <= starts_at) throw wrong('ends_at', 'ends_at is not after the start', 'a time after it')
  if (ends_at - starts_at > LONGEST)
    throw wrong('ends_at', 'ends_at is more than a year after the start', 'at most 366 days')
  return {
    ...matchersFrom(body),
    weekly: body.weekly ?? null,
    author: body.author,
    reason: body.reason,
    created_at: now,
    starts_at,
    ends_at,
    ended_by: '',
    ended_reason: '',
    ended_at: 0,
  }
}

/** Throws a 400 problem unless something is named, or `everything` is meant. */
export function matchersFrom(body: z.output<z.ZodObject<typeof matchersBody>>): Matchers {
  const { rule, severity, asn, label, prefix, site, everything } = body
  const named = [rule, severity, asn, label, prefix, site].some(({ length }) => length > 0)
  if (named === everything)
    throw wrong(
      'everything',
      named ? 'everything is true, and some alerts are named' : 'no alerts are named',
      'at least one of rule, severity, asn, label, prefix and site, or everything: true',
    )
  return { rules: rule, severities: severity, asns: asn, labels: label, prefixes: prefix, sites: site }
}

/** A moment that is to come: as parameters have it, or so long after another. */
export function ending() {
  const shape = 'a time as 2026-01-31T14:00:00Z, or a span as +30m, +2h or +7d'
  return z
    .string(shape)
    .transform((value, context): Moment => {
      const [, number, unit = ''] = /^\+(\d{1,5})([mhd])$/.exec(value) ?? []
      const length = SPAN_UNITS[unit]
      if (number !== undefined && length !== undefined) return (from) => from + Number(number) * length
      const absolute = moment().safeParse(value)
      if (absolute.success && !value.startsWith('-') && value !== 'now') return absolute.data
      context.addIssue(shape)
      return z.NEVER
    })
    .meta({ examples: ['+2h', '2026-01-31T14:00:00Z'] })
}

function wrong(parameter: string, message: string, allowed: string) {
  return badBody([{ parameter, message, allowed }])
}

function listOf<Item extends z.ZodType>(item: Item, what: string) {
  const shape = `a list of up to 100 ${what}`
  return z.array(item, shape).max(100, shape).default([])
}

function asNumber() {
  const shape = `an AS number from 0 to ${LARGEST_ASN}, as 64500 or "AS64500"`
  return z
    .union([z.int(shape), z.string(shape).regex(/^(AS)?\d{1,10}$/i, shape)], shape)
    .transform((value) => Number(String(value).replace(/^AS/i, '')))
    .refine((value) => value >= 0 && value <= LARGEST_ASN, shape)
}

function daysShape(): string {
  return `a list of ${WEEKDAYS.join(', ')}`
}

function wallTime() {
  const shape = 'a time of day from 00:00 to 23:59'
  return z.string(shape).regex(/^([01]\d|2[0-3]):[0-5]\d$/, shape)
}

function timeZone() {
  const shape = 'an IANA time zone, as Europe/Berlin or UTC'
  return z
    .string(shape)
    .max(64, shape)
    .refine(isTimeZone, shape)
    .describe('An IANA name, as Europe/Berlin; its clock changes are followed.')
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
