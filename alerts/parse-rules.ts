import { parseFile, type RuleSource, readValue } from './read-rules.ts'
import { type Lists, ruleOf } from './resolve-rule.ts'
import type { Rule } from './rule.ts'
import {
  type FieldMistake,
  fieldOf,
  type Path,
  type RuleMistake,
  shortened,
  suggestion,
} from './rule-mistake.ts'
import type { RuleInFile } from './rule-schema.ts'

/** What the rules may refer to. */
export type RuleSurroundings = {
  /** Names of the configured receivers. */
  receivers: readonly string[]
  /** Length of the prefixes that are counted: a rule cannot be about anything narrower. */
  prefixLengths: { ipv4: number; ipv6: number }
}

/** A rule as it stands in its file, and as it is judged. */
export type WrittenRule = { rule: Rule; line: number; document: unknown }

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

type Refuse = (path: Path, message: string, allowed: string) => void

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

function byPlace(a: RuleMistake, b: RuleMistake): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1
}
