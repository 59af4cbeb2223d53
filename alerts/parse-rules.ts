import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { nearest } from '../core/runtime/nearest.ts'
import { keysOf } from '../core/runtime/schema-keys.ts'
import type { Rule, What } from './rule.ts'
import { type RuleInFile, rulesFileSchema, SENSITIVITIES } from './rule-schema.ts'

/** What is wrong with a file of rules: where, and what is allowed. `line` counts from 1; `field` is '' for the whole file. */
export type RuleMistake = { file: string; line: number; field: string; message: string; allowed: string }

export type RuleSource = { file: string; text: string }

/** What the rules may refer to. */
export type RuleSurroundings = {
  /** Names of the configured receivers. */
  receivers: readonly string[]
  /** Length of the prefixes that are counted: a rule cannot be about anything narrower. */
  prefixLengths: { ipv4: number; ipv6: number }
}

/** A rule as it stands in its file, and as it is judged. */
export type WrittenRule = { rule: Rule; line: number; document: unknown }

/** Of one rule so many mistakes are told. */
const MOST_MISTAKES = 50

/** AS numbers by the name of their list. */
export type Lists = ReadonlyMap<string, readonly number[]>

export type ParsedRules =
  | { ok: true; rules: Rule[]; written: WrittenRule[]; lists: Lists }
  | { ok: false; mistakes: RuleMistake[] }

/** Rules of all files together: a list of one file may be used in another. Mistakes of all files at once. */
export function parseRules(sources: readonly RuleSource[], surroundings: RuleSurroundings): ParsedRules {
  const parsed = sources.map(parseFile)
  const mistakes = parsed.flatMap((file) => file.mistakes)
  const lists = new Map(parsed.flatMap(({ lists }) => lists))
  const fileOf = new Map<string, string>()
  const written: WrittenRule[] = []
  for (const { file, rules: given, documents, at } of parsed) {
    given.forEach((rule, index) => {
      const refuse = (path: (string | number)[], message: string, allowed: string) =>
        mistakes.push({ file, ...at(['rules', index, ...path]), message, allowed })
      const first = fileOf.get(rule.id)
      if (first !== undefined)
        refuse(['id'], `${rule.id} is used twice`, `an id of its own; it is in ${first} already`)
      fileOf.set(rule.id, first ?? file)
      checkNames(rule, { lists, ...surroundings }, refuse)
      const { line } = at(['rules', index])
      written.push({ rule: ruleOf(rule, lists, file), line, document: documents[index] })
    })
  }
  if (mistakes.length > 0) return { ok: false, mistakes: mistakes.sort(byPlace) }
  return { ok: true, rules: written.map(({ rule }) => rule), written, lists }
}

/** What is wrong with one rule: the field within it ('' for all of it), and what is allowed. */
export type FieldMistake = Pick<RuleMistake, 'field' | 'message' | 'allowed'>

/** One rule that stands in no file, as JSON of what a file would have. */
export function parseRule(
  document: unknown,
  around: RuleSurroundings & { lists: Lists },
): { ok: true; rule: Rule } | { ok: false; mistakes: FieldMistake[] } {
  const at = (path: Path) => ({ line: 0, field: fieldOf(path.slice(2)) })
  const { mistakes, rules } = readValue({ rules: [document] }, '', at)
  for (const rule of rules)
    checkNames(rule, around, (path, message, allowed) =>
      mistakes.push({ file: '', line: 0, field: fieldOf(path), message, allowed }),
    )
  const [rule] = rules
  if (rule !== undefined && mistakes.length === 0) return { ok: true, rule: ruleOf(rule, around.lists, '') }
  return {
    ok: false,
    mistakes: mistakes.map(({ field, message, allowed }) => ({ field, message, allowed })),
  }
}

/** As many as a person reads: a rule may name thousands of networks, and its mistakes are answered, logged and listed. */
export function firstOf(mistakes: readonly FieldMistake[]): FieldMistake[] {
  const left = mistakes.length - MOST_MISTAKES
  if (left <= 0) return [...mistakes]
  const more = { field: '', message: `and ${left} more mistakes`, allowed: 'none' }
  return [...mistakes.slice(0, MOST_MISTAKES), more]
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** The mistakes as lines for a person. */
export function mistakeLines(mistakes: readonly RuleMistake[]): string[] {
  return mistakes.map(({ file, line, field, message, allowed }) =>
    [`${file}:${line}`, ...(field === '' ? [] : [` ${field}`]), `: ${message}; allowed: ${allowed}`].join(''),
  )
}

type Path = (string | number)[]
type Refuse = (path: Path, message: string, allowed: string) => void

function parseFile({ file, text }: RuleSource) {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const lineAt = (offset: number) => Math.max(1, counter.linePos(offset).line)
  const at = (path: Path) => ({ line: lineAt(offsetOf(document.contents, path)), field: fieldOf(path) })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ message, pos }) => ({
      file,
      line: lineAt(pos[0]),
      field: '',
      message: `not YAML: ${message.split('\n')[0] ?? ''}`,
      allowed: 'a YAML file with the keys lists and rules',
    }))
    return { ...NOTHING, file, mistakes, at }
  }
  const aliases = danglingAliases(document)
  if (aliases.length > 0) {
    const mistakes = aliases.map(({ source, offset }) => ({
      file,
      line: lineAt(offset),
      field: '',
      message: `*${source} without quotes is a YAML alias, and there is no anchor &${source}`,
      allowed: `"*${source}" in quotes, where text is meant`,
    }))
    return { ...NOTHING, file, mistakes, at }
  }
  try {
    return { ...readValue(document.toJS(), file, at), file, at }
  } catch (error) {
    // As of aliases of aliases, which would fill the memory.
    if (!(error instanceof ReferenceError)) throw error
    const mistake = {
      file,
      line: 1,
      field: '',
      message: `not YAML: ${error.message}`,
      allowed: 'fewer aliases',
    }
    return { ...NOTHING, file, mistakes: [mistake], at }
  }
}

/** Aliases without an anchor, which the parser passes over: server names whose quotes were forgotten. */
function danglingAliases(document: Document): { source: string; offset: number }[] {
  const found: { source: string; offset: number }[] = []
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) === undefined)
        found.push({ source: node.source, offset: node.range?.[0] ?? 0 })
    },
  })
  return found
}

type Content = {
  mistakes: RuleMistake[]
  lists: [string, number[]][]
  rules: RuleInFile[]
  /** The rules as they were written. */
  documents: unknown[]
}

const NOTHING: Content = { mistakes: [], lists: [], rules: [], documents: [] }

type At = (path: Path) => { line: number; field: string }

function readValue(value: unknown, file: string, at: At): Content {
  const parsed = rulesFileSchema.safeParse(value)
  if (parsed.success) {
    const { lists, rules } = parsed.data
    const documents = (value as { rules: unknown[] }).rules
    return { mistakes: [], lists: Object.entries(lists), rules, documents }
  }
  const issues = withoutConsequences(parsed.error.issues)
  return { ...NOTHING, mistakes: issues.flatMap((issue) => explain(issue, value, file, at)) }
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[] }

function explain(issue: Issue, value: unknown, file: string, at: At): RuleMistake[] {
  const path = asWritten(
    issue.path.map((key) => (typeof key === 'number' ? key : String(key))),
    value,
  )
  if (issue.keys !== undefined) {
    const known = keysOf(rulesFileSchema, path.map(String))
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
  return [{ file, ...at(path), message, allowed: withNearest(found, issue.message) }]
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

/** A misspelt key is one mistake, though what it stands for is then missing, too. */
function withoutConsequences(issues: readonly Issue[]): Issue[] {
  const placeOf = ({ path }: Issue) => JSON.stringify(path.map(String))
  const misspelt = new Set(issues.filter(({ keys }) => keys !== undefined).map(placeOf))
  return issues.filter((issue) => issue.keys !== undefined || !misspelt.has(placeOf(issue)))
}

/** Of names that are listed in full the one that was meant comes first. */
function withNearest(found: unknown, allowed: string): string {
  const [, names] = /^one of (.+)$/.exec(allowed) ?? []
  const near =
    typeof found === 'string' && names !== undefined ? nearest(found, names.split(', ')) : undefined
  return near === undefined ? allowed : `did you mean ${near}? ${allowed}`
}

/** Where a value stands; where it is missing, the nearest thing around it. */
function offsetOf(contents: unknown, path: Path): number {
  let node: unknown = contents
  let offset = startOf(contents)
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
      if (pair === undefined) break
      offset = startOf(pair.key)
      node = pair.value
    } else if (isNode(node) && 'items' in node && typeof key === 'number') {
      node = (node.items as unknown[])[key]
      if (node === undefined) break
      offset = startOf(node)
    } else break
  }
  return offset
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}

/** rules[0].who.asn */
function fieldOf(path: Path): string {
  return path.reduce<string>(
    (field, key) => (typeof key === 'number' ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`),
    '',
  )
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  if (near !== undefined) return `did you mean ${near}?`
  return known.length === 0 ? 'nothing here' : `one of ${known.join(', ')}`
}

function checkNames(
  { who, receivers = [] }: RuleInFile,
  around: RuleSurroundings & { lists: Lists },
  refuse: Refuse,
): void {
  const lists = [...around.lists.keys()]
  who.list?.forEach((name) => {
    if (!around.lists.has(name))
      refuse(['who', 'list'], `there is no list ${shortened(name)}`, none(lists) ?? suggestion(name, lists))
  })
  receivers.forEach((name) => {
    if (!around.receivers.includes(name))
      refuse(
        ['receivers'],
        `there is no receiver ${shortened(name)}`,
        none(around.receivers) ?? suggestion(name, around.receivers),
      )
  })
  const { ipv4, ipv6 } = around.prefixLengths
  who.prefix?.forEach((prefix) => {
    const longest = prefix.includes(':') ? ipv6 : ipv4
    if (Number(prefix.split('/')[1]) > longest)
      refuse(['who', 'prefix'], `${prefix} is narrower than what is counted`, `at most /${longest}`)
  })
}

function none(names: readonly string[]): string | undefined {
  return names.length === 0 ? 'none: no such name is defined' : undefined
}

/** Handshakes that a rate is made of, unless the rule says otherwise. */
const ENOUGH_FOR_A_RATE = 50

function ruleOf(rule: RuleInFile, lists: Lists, file: string): Rule {
  const { id, summary, who, severity, receivers } = rule
  const what = whatOf(rule.what)
  const listed = (who.list ?? []).flatMap((name) => lists.get(name) ?? [])
  const rate = what.kind === 'success_rate' || what.kind === 'cause_share' || what.kind === 'handshake_time'
  return {
    id,
    summary,
    who: {
      any: who.any === true,
      asns: [...new Set([...(who.asn ?? []), ...listed])],
      labels: who.label ?? [],
      prefixes: who.prefix ?? [],
      sites: who.site ?? [],
      ip_version: who.ip_version,
      agents: who.agent ?? [],
      server_names: who.server_name ?? [],
    },
    what,
    for_s: rule.for / 1_000,
    minimum_handshakes: rule.minimum_handshakes ?? (rate ? ENOUGH_FOR_A_RATE : 0),
    severity,
    receivers,
    repeat_s: rule.repeat / 1_000,
    file,
  }
}

function whatOf({ divergence, success_rate, cause_share, handshake_time, volume }: RuleInFile['what']): What {
  if (divergence !== undefined) {
    const { sensitivity, minimum_excess } = divergence
    return { kind: 'divergence', minimum_evidence: SENSITIVITIES[sensitivity], minimum_excess }
  }
  if (success_rate !== undefined) {
    return { kind: 'success_rate', below: success_rate.below, over_s: success_rate.over / 1_000 }
  }
  if (cause_share !== undefined) {
    const { cause, above, over } = cause_share
    return { kind: 'cause_share', cause, above, over_s: over / 1_000 }
  }
  if (handshake_time !== undefined) {
    const { quantile, above, over } = handshake_time
    return { kind: 'handshake_time', quantile, above_ms: above, over_s: over / 1_000 }
  }
  if (volume !== undefined) {
    const { below, above, over } = volume
    return { kind: 'volume', below, above, over_s: over / 1_000 }
  }
  return { kind: 'no_data' }
}

function byPlace(a: RuleMistake, b: RuleMistake): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1
}
