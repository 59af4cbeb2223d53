import { nearest } from '../core/runtime/nearest.ts'

/** What is wrong with a file of rules: where, and what is allowed. `line` counts from 1; `field` is '' for the whole file. */
export type RuleMistake = { file: string; line: number; field: string; message: string; allowed: string }

/** What is wrong with one rule: the field within it ('' for all of it), and what is allowed. */
export type FieldMistake = Pick<RuleMistake, 'field' | 'message' | 'allowed'>

export type Path = (string | number)[]

/** Line and name of what stands at a path. */
export type At = (path: Path) => { line: number; field: string }

/** Of one rule so many mistakes are told. */
const MOST_MISTAKES = 50

/** As many as a person reads: a rule may name thousands of networks, and its mistakes are answered, logged and listed. */
export function firstOf(mistakes: readonly FieldMistake[]): FieldMistake[] {
  const left = mistakes.length - MOST_MISTAKES
  if (left <= 0) return [...mistakes]
  const more = { field: '', message: `and ${left} more mistakes`, allowed: 'none' }
  return [...mistakes.slice(0, MOST_MISTAKES), more]
}

/** The mistakes as lines for a person. */
export function mistakeLines(mistakes: readonly RuleMistake[]): string[] {
  return mistakes.map(({ file, line, field, message, allowed }) =>
    [`${file}:${line}`, ...(field === '' ? [] : [` ${field}`]), `: ${message}; allowed: ${allowed}`].join(''),
  )
}

/** rules[0].who.asn */
export function fieldOf(path: Path): string {
  return path.reduce<string>(
    (field, key) => (typeof key === 'number' ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`),
    '',
  )
}

export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  if (near !== undefined) return `did you mean ${near}?`
  return known.length === 0 ? 'nothing here' : `one of ${known.join(', ')}`
}

export function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
