import type { z } from 'zod'
import { nearest } from '../core/runtime/nearest.ts'
import { Problem } from '../core/runtime/problem.ts'

/** What a value is called: a parameter of the path or the query, or a field of the body. */
export type Noun = 'parameter' | 'field'

/** One thing wrong with a request's parameters. */
export type ParameterMistake = {
  parameter: string
  /** What was wrong, in a sentence. */
  message: string
  /** What is allowed instead. */
  allowed: string
}

export type Read<T> = { ok: true; value: T } | { ok: false; mistakes: ParameterMistake[] }

/**
 * The parameters as their schema reads them, or everything that is wrong with them: values that are not allowed,
 * parameters that do not exist (with the nearest that does) or are given twice.
 */
export function readParameters<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  values: Record<string, unknown>,
  noun: Noun = 'parameter',
): Read<z.output<z.ZodObject<Shape>>> {
  const parsed = schema.safeParse(values)
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, mistakes: mistakesOf(parsed.error, values, { known: Object.keys(schema.shape), noun }) }
}

/** The 400 problem that lists every mistake. */
export function badParameters(mistakes: readonly ParameterMistake[]): Problem {
  return new Problem({
    status: 400,
    type: 'bad-parameters',
    title: 'Parameters not allowed',
    detail: mistakes.map(({ message, allowed }) => `${message}: ${allowed}`).join('; '),
    members: { errors: mistakes },
  })
}

/** The 400 problem that lists every mistake in a body. */
export function badBody(mistakes: readonly ParameterMistake[]): Problem {
  return new Problem({
    status: 400,
    type: 'bad-body',
    title: 'Body not allowed',
    detail: mistakes.map(({ message, allowed }) => `${message}: ${allowed}`).join('; '),
    members: {
      errors: mistakes.map(({ parameter: field, message, allowed }) => ({ field, message, allowed })),
    },
  })
}

function mistakesOf(
  error: z.ZodError,
  values: Record<string, unknown>,
  { known, noun }: { known: readonly string[]; noun: Noun },
): ParameterMistake[] {
  const mistakes = error.issues.flatMap((issue): ParameterMistake[] => {
    const path = namesIn(issue.path)
    if (issue.code === 'unrecognized_keys' && path.length > 0)
      return issue.keys.map((key) => unknownInside([...path, key].join('.'), issue.message))
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownName(key, known, noun))
    const parameter = path.join('.')
    return [{ parameter, message: describe(parameter, valueAt(values, path), noun), allowed: issue.message }]
  })
  // A list with two bad members is one mistake.
  return mistakes.filter(
    ({ parameter }, i) => mistakes.findIndex((other) => other.parameter === parameter) === i,
  )
}

/** Where something is wrong, as far as names lead there: a member of a list is the list's. */
function namesIn(path: readonly PropertyKey[]): string[] {
  const member = path.findIndex((part) => typeof part === 'number')
  return path.slice(0, member === -1 ? undefined : member).map(String)
}

function valueAt(values: Record<string, unknown>, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], values)
}

/** A field of an object inside the body, whose schema says which there are. */
function unknownInside(name: string, allowed: string): ParameterMistake {
  return { parameter: name, message: `there is no field ${quote(name)}`, allowed }
}

function unknownName(name: string, known: readonly string[], noun: Noun): ParameterMistake {
  const near = nearest(name, known)
  const all = known.length === 0 ? `no ${noun}s here` : `one of ${known.join(', ')}`
  return {
    parameter: name,
    message: `there is no ${noun} ${quote(name)}`,
    allowed: near === undefined ? all : `did you mean ${near}?`,
  }
}

function describe(parameter: string, value: unknown, noun: Noun): string {
  if (value === undefined) return `${parameter} is missing`
  if (noun === 'field') return `${parameter} is ${shortened(JSON.stringify(value))}`
  if (Array.isArray(value)) return `${parameter} is given ${value.length} times`
  return `${parameter} is ${quote(String(value))}`
}

function quote(text: string): string {
  return JSON.stringify(shortened(text))
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
