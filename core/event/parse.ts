import type { ConnectionEvent } from './event.ts'
import { allowedIn, compileCheck, FIELDS, type Field } from './fields.ts'

/** Why a line was refused. Stable: these are metric labels and dead-letter reasons. */
export const REFUSALS = [
  'not_utf8',
  'not_json',
  'not_an_object',
  'line_too_long',
  'unknown_field',
  'missing_field',
  'bad_value',
  'contradiction',
] as const
export type Refusal = (typeof REFUSALS)[number]

export type LineError = {
  /** Line in the batch, from 1. */
  line: number
  /** The field at fault, or null when the line as a whole is. */
  field: string | null
  reason: Refusal
  /** What was wrong, in a sentence. */
  message: string
  /** What is allowed instead. */
  allowed: string
}

export type Parsed = { ok: true; event: ConnectionEvent } | { ok: false; error: LineError }

/** Each field with its check made ready: this runs for every field of every event. */
const BY_NAME = new Map<string, { field: Field; fits: (value: unknown) => boolean }>(
  FIELDS.map((field) => [field.name, { field, fits: compileCheck(field.is) }]),
)
const REQUIRED = FIELDS.filter((field) => field.required)

/** Parses one line of NDJSON. Never throws, whatever the text. */
export function parseEvent(text: string, line = 1): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuse(
      line,
      null,
      'not_json',
      `not JSON: ${(error as SyntaxError).message}`,
      'one JSON object a line',
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(
      line,
      null,
      'not_an_object',
      `${kindOf(value)} instead of an event`,
      'one JSON object a line',
    )
  }
  return checkEvent(value as Record<string, unknown>, line)
}

/** Checks a decoded object against the contract. */
export function checkEvent(value: Record<string, unknown>, line = 1): Parsed {
  let required = 0
  for (const name of Object.keys(value)) {
    const known = BY_NAME.get(name)
    if (known === undefined) {
      return refuse(line, name, 'unknown_field', `unknown field ${quote(name)}`, `the fields ${names()}`)
    }
    const { field } = known
    if (!known.fits(value[name])) {
      return refuse(line, name, 'bad_value', `${name} is ${show(value[name])}`, allowedIn(field.is))
    }
    if (field.required) required += 1
  }
  if (required !== REQUIRED.length) {
    const missing = REQUIRED.find((field) => !Object.hasOwn(value, field.name))
    if (missing !== undefined) {
      return refuse(line, missing.name, 'missing_field', `${missing.name} is missing`, allowedIn(missing.is))
    }
  }
  return checkTogether(value, line)
}

/** What no field can say alone: which fields go with which state, and which go together. */
function checkTogether(value: Record<string, unknown>, line: number): Parsed {
  const { state, opened_at, decided_at, ended_by, alert, alert_side } = value
  if (state === 'new' && decided_at !== undefined) {
    return contradiction(
      line,
      'decided_at',
      'a new connection is not decided yet',
      'no decided_at with state new',
    )
  }
  if (state !== 'new' && decided_at === undefined) {
    return missing(line, 'decided_at', `a time with state ${state}`)
  }
  if (state !== 'new' && Number(decided_at) < Number(opened_at)) {
    const message = `decided_at ${decided_at} lies before opened_at ${opened_at}`
    return contradiction(line, 'decided_at', message, 'a time at or after opened_at')
  }
  if (state === 'closed' && ended_by === undefined) {
    return missing(line, 'ended_by', 'how it ended, with state closed')
  }
  if (state !== 'closed' && ended_by !== undefined) {
    const message = `ended_by ${quote(ended_by)} with state ${state}`
    return contradiction(line, 'ended_by', message, 'ended_by only with state closed')
  }
  if (ended_by === 'alert' && alert === undefined) {
    return missing(line, 'alert', 'the alert number, with ended_by alert')
  }
  if ((alert === undefined) !== (alert_side === undefined)) {
    const field = alert === undefined ? 'alert' : 'alert_side'
    return contradiction(line, field, 'alert and alert_side go together', 'both or neither')
  }
  // Every field was checked against its kind, and the fields against each other.
  return { ok: true, event: value as unknown as ConnectionEvent }
}

function missing(line: number, field: string, allowed: string): Parsed {
  return refuse(line, field, 'missing_field', `${field} is missing`, allowed)
}

function contradiction(line: number, field: string, message: string, allowed: string): Parsed {
  return refuse(line, field, 'contradiction', message, allowed)
}

function refuse(
  line: number,
  field: string | null,
  reason: Refusal,
  message: string,
  allowed: string,
): Parsed {
  return { ok: false, error: { line, field, reason, message, allowed } }
}

function names(): string {
  return FIELDS.map((field) => field.name).join(', ')
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function show(value: unknown): string {
  return typeof value === 'string' ? quote(value) : typeof value === 'object' ? kindOf(value) : String(value)
}

/** A value from outside, short and safe to print. */
function quote(value: unknown): string {
  const text = JSON.stringify(String(value))
  return text.length > 80 ? `${text.slice(0, 76)}…"` : text
}
