import { z } from 'zod'
import { CAUSES, type Cause } from '../core/causes.ts'
import { duration, requiredDuration } from '../core/runtime/config-kinds.ts'
import { QUANTILES, SEVERITIES } from './rule.ts'

/** How a file of rules is written. Every message says what is allowed. */

const ID = 'up to 63 lowercase letters, digits and -, as any-network-diverges'
const FAILURES = Object.entries(CAUSES)
  .filter(([, { outcome }]) => outcome === 'failed')
  .map(([cause]) => cause as Cause)

/** Minutes between false alarms of one healthy network: what a divergence must exceed. The detector opens none below ten years. */
const YEAR = 525_960
export const SENSITIVITIES = { high: 0, medium: 1_000 * YEAR, low: 1_000_000 * YEAR } as const

/** From 1 to 4294967295. */
const ASN_DIGITS =
  '[1-9]\\d{0,8}|[1-3]\\d{9}|4[01]\\d{8}|42[0-8]\\d{7}|429[0-3]\\d{6}|4294[0-8]\\d{5}|42949[0-5]\\d{4}|429496[0-6]\\d{3}|4294967[01]\\d{2}|42949672[0-8]\\d|429496729[0-5]'

const SPAN = '^\\s*\\d+(\\.\\d+)? ?(ms|s|m|h|d)\\s*$'

const whoSchema = z
  .strictObject({
    any: z.literal(true, 'true').optional(),
    asn: listOf(asn()).optional(),
    list: listOf(text('the name of a list')).optional(),
    label: listOf(text('a label of networks.csv')).optional(),
    prefix: listOf(cidr()).optional(),
    site: listOf(text('the name of a site')).optional(),
    ip_version: z.literal([4, 6], '4 or 6').optional(),
    agent: listOf(text('the name of an agent')).optional(),
    server_name: listOf(serverName()).optional(),
  })
  .check(({ value, issues }) => {
    const named = value.asn ?? value.list ?? value.label ?? value.prefix
    if (value.any === true && named !== undefined)
      issues.push({ code: 'custom', input: value, message: 'either any, or asn, list, label and prefix' })
    if (value.any === undefined && named === undefined)
      issues.push({
        code: 'custom',
        input: value,
        message: 'any: true, or at least one of asn, list, label, prefix',
      })
  })
  .meta({ oneOf: [{ required: ['any'] }, { anyOf: required('asn', 'list', 'label', 'prefix') }] })

const whatSchema = z
  .strictObject({
    divergence: emptyIsObject(
      z.strictObject({
        sensitivity: z.enum(['high', 'medium', 'low'], 'one of high, medium, low').default('high'),
        minimum_excess: share().default(0),
      }),
    ).optional(),
    success_rate: z.strictObject({ below: share(), over: over() }).optional(),
    cause_share: z
      .strictObject({
        cause: z.enum(FAILURES, `one of ${FAILURES.join(', ')}`),
        above: share(),
        over: over(),
      })
      .optional(),
    handshake_time: z
      .strictObject({
        quantile: z.enum(QUANTILES, `one of ${QUANTILES.join(', ')}`),
        above: requiredDuration('1ms', '10m').meta({ pattern: SPAN }),
        over: over(),
      })
      .optional(),
    volume: z
      .strictObject({ below: handshakes().optional(), above: handshakes().optional(), over: over() })
      .refine(({ below, above }) => (below === undefined) !== (above === undefined), 'either below or above')
      .meta({ oneOf: required('below', 'above') })
      .optional(),
    no_data: emptyIsObject(z.strictObject({})).optional(),
  })
  .refine(
    (what) => Object.values(what).filter((one) => one !== undefined).length === 1,
    'exactly one of divergence, success_rate, cause_share, handshake_time, volume, no_data',
  )
  .meta({ minProperties: 1, maxProperties: 1 })

/** What a detector's incident does not know. */
const NOT_OF_INCIDENTS = {
  ip_version: 'both versions',
  agent: 'all agents',
  server_name: 'all server names',
} as const

export const ruleSchema = z
  .strictObject({
    id: z.string(ID).regex(/^[a-z0-9][a-z0-9-]{0,62}$/, ID),
    summary: z
      .string('a sentence')
      .max(300, 'at most 300 characters')
      .regex(/^\P{Cs}*$/u, 'a sentence, without halves of surrogate pairs')
      .default(''),
    who: whoSchema,
    what: whatSchema,
    for: span('0s', '0s', '24h'),
    minimum_handshakes: handshakes().optional(),
    severity: z.enum(SEVERITIES, `one of ${SEVERITIES.join(', ')}`).default('warning'),
    receivers: listOf(text('the name of a receiver')).optional(),
    repeat: span('4h', '5m', '30d'),
  })
  .check(({ value, issues }) => {
    const refuse = (path: string[], message: string) =>
      issues.push({ code: 'custom', input: value, path, message })
    const { divergence, handshake_time, no_data } = value.what
    if (divergence !== undefined) {
      for (const [key, covers] of Object.entries(NOT_OF_INCIDENTS))
        if (Object.hasOwn(value.who, key))
          refuse(['who', key], `only with thresholds: an incident of the detector covers ${covers}`)
    }
    if (handshake_time !== undefined && value.who.prefix !== undefined)
      refuse(['who', 'prefix'], 'any, asn, list or label with handshake_time: times are kept by network')
    if (no_data !== undefined && value.for < 60_000) refuse(['for'], 'at least 1m with no_data')
  })
  .meta({
    allOf: [
      given('what', 'divergence', { properties: { who: without(...Object.keys(NOT_OF_INCIDENTS)) } }),
      given('what', 'handshake_time', { properties: { who: without('prefix') } }),
      given('what', 'no_data', { required: ['for'] }),
    ],
  })

export const rulesFileSchema = z.strictObject({
  lists: z
    .record(z.string(), z.array(asn(), 'a list of AS numbers').min(1, 'at least one AS number'))
    .default({}),
  rules: z.array(ruleSchema, 'a list of rules'),
})

export type RuleInFile = z.output<typeof ruleSchema>

/** For editors, in JSON Schema: one of these keys is there. */
function required(...keys: string[]) {
  return keys.map((key) => ({ required: [key] }))
}

/** For editors, in JSON Schema: none of these keys is there. */
function without(...keys: string[]) {
  return { not: { anyOf: required(...keys) } }
}

/** For editors, in JSON Schema: what holds for a rule when `outer` has the key `inner`. */
function given(outer: string, inner: string, then: Record<string, unknown>) {
  return { if: { properties: { [outer]: { required: [inner] } }, required: [outer] }, then }
}

/** One or several: a single value need not be written as a list. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(item).min(1, 'at least one').max(10_000, 'at most 10,000'),
  )
}

/** `divergence:` with nothing behind it is YAML's null: all settings at their defaults. */
function emptyIsObject<Inner extends z.ZodObject>(inner: Inner) {
  return z.preprocess((value) => (value === null ? {} : value), inner)
}

/** A duration, for editors as a pattern: its bounds cannot be said there. */
function span(fallback: string, min: string, max: string) {
  return duration(fallback, min, max).meta({ pattern: SPAN })
}

/** Half a surrogate pair is no text to the store: an alert about it could not be written, nor could those beside it. */
function text(what: string) {
  const shape = `${what}, up to 200 characters, no control characters`
  return z
    .string(shape)
    .min(1, shape)
    .max(200, shape)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, shape)
}

function asn() {
  const shape = 'an AS number, as 64500 or AS64500, from 1 to 4294967295'
  const number = { type: 'integer', minimum: 1, maximum: 4_294_967_295 }
  return z
    .union([z.number(), z.string()], shape)
    .meta({ anyOf: [number, { type: 'string', pattern: `^([aA][sS])?0*(${ASN_DIGITS})$` }] })
    .transform((given, context) => {
      const number = Number(String(given).replace(/^AS/i, ''))
      if (!Number.isInteger(number) || number < 1 || number > 4_294_967_295) {
        context.addIssue(shape)
        return z.NEVER
      }
      return number
    })
}

export function cidr() {
  const shape = 'a prefix, as 203.0.113.0/24 or 2001:db8::/48'
  // No IPv4 in IPv6 notation: what is counted is never written so.
  return z.union([z.cidrv4(), z.cidrv6()], shape).refine((prefix) => !/:.*\./.test(prefix), shape)
}

/** Host names as RFC 1123 has them, and what private ones add to it. Written in any case, compared in lower case. */
function serverName() {
  const shape = 'a server name as shop.example.com, or *.example.com for every name below example.com'
  return z
    .string(shape)
    .max(255, shape)
    .regex(/^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, shape)
    .transform((name) => name.toLowerCase())
}

/** 95 %, or 0.95. */
function share() {
  const shape = 'a share from 0 % to 100 %, as 95 % or 0.95'
  const percents = '0*(100(\\.0+)?|\\d{1,2}(\\.\\d+)?) ?%'
  const fractions = '0*(0|1|0?\\.\\d+|1\\.0+|0\\.)'
  return z
    .union([z.number(), z.string()], shape)
    .meta({
      anyOf: [
        { type: 'number', minimum: 0, maximum: 1 },
        { type: 'string', pattern: `^(${percents}|${fractions})$` },
      ],
    })
    .transform((given, context) => {
      const [, percent] = /^(\d+(?:\.\d+)?) ?%$/.exec(String(given)) ?? []
      const value = percent === undefined ? Number(given) : Number(percent) / 100
      if (given === '' || !(value >= 0 && value <= 1)) {
        context.addIssue(shape)
        return z.NEVER
      }
      return value
    })
}

function handshakes() {
  const shape = 'a whole number of handshakes, from 1 to 1000000000'
  return z.int(shape).min(1, shape).max(1e9, shape)
}

/** How many minutes are taken together. */
function over() {
  return span('5m', '1m', '1h')
}
