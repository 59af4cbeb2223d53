import type { AgentLog } from './log.ts'
import type { Mistake } from './options-error.ts'

/** Reads the values of one object of options. Each method notes a mistake and goes on with a value of the right type. */
export type OptionReader = {
  value(name: string): unknown
  text(name: string, pattern: RegExp, allowed: string): string | undefined
  number(name: string, range: { min: number; max: number; usual: number; unit?: string }): number
  flag(name: string, usual: boolean): boolean
  url(name: string): URL
  log(name: string): AgentLog | undefined
}

/** A reader over `given`, whose mistakes are added to `mistakes` with `prefix` before the option's name. */
export function createReader(
  given: unknown,
  prefix: string,
  known: readonly string[],
  mistakes: Mistake[],
): OptionReader {
  const values = valuesOf(given, prefix, known, mistakes)
  const refuse = (name: string, allowed: string) => {
    mistakes.push({ field: `${prefix}${name}`, message: `is ${show(name, values[name])}`, allowed })
    return undefined
  }
  /** The value if the check lets it pass, undefined if there is none or a mistake was noted. */
  const read = <T>(name: string, check: (value: unknown) => value is T, allowed: string): T | undefined => {
    const value = values[name]
    if (value === undefined) return undefined
    return check(value) ? value : refuse(name, allowed)
  }
  return {
    value: (name) => values[name],
    text: (name, pattern, allowed) =>
      read(name, (value): value is string => matches(value, pattern), allowed),
    number: (name, { min, max, usual, unit = '' }) =>
      read(
        name,
        (value): value is number => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
        `a whole number from ${min} to ${max}${unit}`,
      ) ?? usual,
    flag: (name, usual) =>
      read(name, (value): value is boolean => typeof value === 'boolean', 'true or false') ?? usual,
    url(name) {
      const url = urlOf(values[name])
      if (url === undefined) refuse(name, 'an http: or https: URL without credentials')
      return url ?? new URL('http://localhost')
    },
    log: (name) => read(name, isLog, 'an object with the functions debug, info, warn and error'),
  }
}

function valuesOf(
  given: unknown,
  prefix: string,
  known: readonly string[],
  mistakes: Mistake[],
): Record<string, unknown> {
  const values = asObject(given)
  const allowed = known.join(', ')
  if (values === undefined) {
    // Nested objects may be left out, the outermost may not.
    if (given !== undefined || prefix === '') {
      const field = prefix.slice(0, -1) || 'options'
      mistakes.push({ field, message: `is ${show(field, given)}`, allowed: `an object with ${allowed}` })
    }
    return {}
  }
  for (const name of Object.keys(values)) {
    if (known.includes(name)) continue
    mistakes.push({ field: `${prefix}${name}`, message: 'is not an option', allowed: `one of ${allowed}` })
  }
  return values
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  // An object that is not an array has string keys; what they hold is checked one by one.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

function urlOf(value: unknown): URL | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' ? url : undefined
}

function isLog(value: unknown): value is AgentLog {
  const log = asObject(value)
  return (
    log !== undefined && ['debug', 'info', 'warn', 'error'].every((name) => typeof log[name] === 'function')
  )
}

/** A value in an error message; a token is a secret and is not shown. */
function show(name: string, value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (name === 'token') return 'not a usable token'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  return typeof value === 'object' || typeof value === 'function' ? `a ${typeof value}` : String(value)
}
