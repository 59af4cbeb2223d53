import { isIP } from 'node:net'
import { z } from 'zod'

/**
 * What may stand in a query string. Each type reads text and says in its error what is allowed;
 * its JSON Schema, for the OpenAPI document, is that of the value.
 */

export const LARGEST_ASN = 4_294_967_295

export function integer({ min, max }: { min: number; max: number }) {
  const shape = `a whole number from ${min} to ${max}`
  return z.preprocess(numberOf, z.int(shape).min(min, shape).max(max, shape))
}

/** A share of a whole, from 0 to 1. */
export function share() {
  const shape = 'a number from 0 to 1, as 0.95'
  return z.preprocess(numberOf, z.number(shape).min(0, shape).max(1, shape))
}

export function oneOf<const V extends readonly [string, ...string[]]>(values: V) {
  return z.enum(values, `one of ${values.join(', ')}`)
}

/** IP version, 4 or 6. */
export function ipVersion() {
  return z.preprocess(numberOf, z.literal([4, 6], '4 or 6'))
}

/** Text that is compared whole or searched for; control characters are refused, and halves of surrogate pairs, which the store cannot hold. */
export function text({ min = 0, max = 255 }: { min?: number; max?: number } = {}) {
  const shape =
    min === 0
      ? `at most ${max} characters, no control characters`
      : `${min} to ${max} characters, no control characters`
  return z
    .string(shape)
    .min(min, shape)
    .max(max, shape)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, shape)
}

/** Text that says something. */
export function words({ max }: { max: number }) {
  const shape = `1 to ${max} characters, not only blanks, no control characters`
  return z
    .string(shape)
    .max(max, shape)
    .regex(/^[^\p{Cc}\p{Cs}]*[^\p{Cc}\p{Cs}\s][^\p{Cc}\p{Cs}]*$/u, shape)
}

/** An AS number, with or without AS before it. */
export function asn() {
  const shape = `an AS number from 0 to ${LARGEST_ASN}, as 64500 or AS64500`
  return z
    .preprocess((value) => asnOf(value), z.int(shape).min(0, shape).max(LARGEST_ASN, shape))
    .meta({
      examples: ['AS64500', 64500],
    })
}

/** One or more AS numbers, separated by commas. */
export function asns() {
  const shape = 'up to 100 AS numbers separated by commas, as 64500,AS64501'
  return z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map(asnOf) : value),
      z.array(z.int(shape).min(0, shape).max(LARGEST_ASN, shape), shape).max(100, shape),
    )
    .meta({ type: 'string', examples: ['64500', 'AS64500,AS64501'] })
}

/** An address of either version; as the engine takes it: IPv4 as ::ffff:a.b.c.d. */
export function address() {
  const shape = 'an IPv4 or IPv6 address'
  return z
    .string(shape)
    .transform((value, context) => {
      const version = value.length <= 45 && !value.includes('%') ? isIP(value) : 0
      if (version === 0) {
        context.addIssue(shape)
        return z.NEVER
      }
      return version === 4 ? `::ffff:${value}` : value
    })
    .meta({ type: 'string', examples: ['203.0.113.7', '2001:db8::7'] })
}

/** A prefix in CIDR notation, as it is stored. */
export function prefix() {
  const shape = 'a prefix as 203.0.113.0/24 or 2001:db8::/48'
  return z
    .string(shape)
    .max(64, shape)
    .refine((value) => {
      const [network = '', length = '', ...more] = value.split('/')
      return more.length === 0 && isIP(network) !== 0 && /^\d{1,3}$/.test(length)
    }, shape)
    .meta({ examples: ['203.0.113.0/24'] })
}

const TIME_SHAPE =
  'a time as 2026-01-31T14:00:00Z, 2026-01-31, milliseconds since 1970, -1h (m, h and d before now) or now'
const EARLIEST = Date.UTC(2000, 0, 1)
const LATEST = Date.UTC(2200, 0, 1)
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A moment, absolute or relative: a function from now to milliseconds since 1970. */
export type Moment = (now: number) => number

export function moment() {
  return z
    .string(TIME_SHAPE)
    .transform((value, context): Moment => {
      const found = relative(value) ?? absolute(value)
      if (found !== undefined) return found
      context.addIssue(TIME_SHAPE)
      return z.NEVER
    })
    .meta({ type: 'string', examples: ['-1h', '2026-01-31T14:00:00Z', '1769868000000'] })
}

function relative(text: string): Moment | undefined {
  if (text === 'now') return (now) => now
  const [, number, unit = ''] = /^-(\d{1,6})([smhd])$/.exec(text) ?? []
  const length = UNITS[unit]
  return number === undefined || length === undefined ? undefined : (now) => now - Number(number) * length
}

function absolute(text: string): Moment | undefined {
  const at = /^\d{12,14}$/.test(text) ? Number(text) : isoTime(text)
  return at >= EARLIEST && at <= LATEST ? () => at : undefined
}

/** A date-time needs its zone, or it would mean another moment on every server. A blank stands for an unescaped plus. */
function isoTime(text: string): number {
  const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[-+ ]\d\d:\d\d))?$/
  return shape.test(text) ? Date.parse(text.replace(' ', '+')) : Number.NaN
}

/** Digits become a number; all else stays as it is, and is refused by the type behind. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,16}(\.\d{1,16})?$/.test(value) ? Number(value) : value
}

function asnOf(value: unknown): unknown {
  const [, digits] = typeof value === 'string' ? (/^(?:AS)?(\d{1,10})$/i.exec(value.trim()) ?? []) : []
  return digits === undefined ? value : Number(digits)
}
