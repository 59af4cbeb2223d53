import { nearest } from '../core/runtime/nearest.ts'
import { keysOf } from '../core/runtime/schema-keys.ts'
import { type At, type Path, type RuleMistake, shortened, suggestion } from './rule-mistake.ts'
import { rulesFileSchema } from './rule-schema.ts'

export type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[]; expected?: string }

/** What the schema has against a value, in words that say where it stands, what it is and what is allowed. */
export function explain(issue: Issue, value: unknown, file: string, at: At): RuleMistake[] {
  const path = asWritten(
    issue.path.map((key) => (typeof key === 'number' ? key : String(key))),
    value,
  )
  const known = keysOf(rulesFileSchema, path.map(String))
  if (issue.keys !== undefined) {
    return issue.keys.map((key) => ({
      file,
      ...at([...path, key]),
      message: `unknown key ${shortened(key)}`,
      allowed: suggestion(key, known),
    }))
  }
  const found = path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  )
  const message =
    found === undefined || found === null ? 'missing' : `${shortened(JSON.stringify(found))} is not allowed`
  const allowed = issue.expected === 'object' ? keysAllowed(known) : withNearest(found, issue.message)
  return [{ file, ...at(path), message, allowed }]
}

function keysAllowed(known: readonly string[]): string {
  return known.length === 0 ? 'nothing here' : `keys and values, of ${known.join(', ')}`
}

/** A misspelt key is one mistake, though what it stands for is then missing, too. */
export function withoutConsequences(issues: readonly Issue[]): Issue[] {
  const placeOf = ({ path }: Issue) => JSON.stringify(path.map(String))
  const misspelt = new Set(issues.filter(({ keys }) => keys !== undefined).map(placeOf))
  return issues.filter((issue) => issue.keys !== undefined || !misspelt.has(placeOf(issue)))
}

/** A single value is taken for a list of one: it has no place in a list that nobody wrote. */
function asWritten(path: Path, value: unknown): Path {
  let inner: unknown = value
  return path.filter((key) => {
    if (typeof key === 'number' && !Array.isArray(inner)) return false
    inner = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined
    return true
  })
}

/** Of names that are listed in full the one that was meant comes first. */
function withNearest(found: unknown, allowed: string): string {
  const [, names] = /^one of (.+)$/.exec(allowed) ?? []
  const near =
    typeof found === 'string' && names !== undefined ? nearest(found, names.split(', ')) : undefined
  return near === undefined ? allowed : `did you mean ${near}? ${allowed}`
}
