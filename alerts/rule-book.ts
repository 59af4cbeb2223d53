import type { Registry } from 'prom-client'
import type { Check } from '../core/runtime/health.ts'
import type { Logger } from '../core/runtime/log.ts'
import type { Store } from '../core/store/store.ts'
import { createRuleMetrics } from './metrics.ts'
import { parseRule, parseRules, type RuleSurroundings, type WrittenRule } from './parse-rules.ts'
import type { RuleSource } from './read-rules.ts'
import type { Lists } from './resolve-rule.ts'
import type { Rule } from './rule.ts'
import { explainRuleMistakes, RulesUnusable, readSources } from './rule-files.ts'
import { type FieldMistake, firstOf, mistakeLines, type RuleMistake } from './rule-mistake.ts'
import { readStoredRules, type StoredRule } from './stored-rules.ts'

/** The rules in force: of files, and those made through the API. */
export type RuleBook = {
  /** Reads the folder; throws `RulesUnusable` with every mistake when there are no good rules to fall back on. */
  load(): void
  /** Reads the folder and the stored rules again where something changed; bad files leave the rules of files as they are. */
  refresh(store: Pick<Store, 'query'>): Promise<void>
  rules(): readonly Rule[]
  /** Rules of files, in force all of them. */
  written(): readonly WrittenRule[]
  /** Stored rules, those with mistakes too: these are not in force. */
  stored(): readonly ListedRule[]
  /** What is wrong with the files now; while anything is, the last good rules of files are in force. */
  fileMistakes(): readonly RuleMistake[]
  /** A rule that stands in no file, with the lists of the files. */
  parse(document: unknown): ReturnType<typeof parseRule>
  check: Check
}

export type ListedRule = { stored: StoredRule; mistakes: readonly FieldMistake[] }

export type RuleBookNeeds = {
  folder: string | undefined
  defaultRule: boolean
  surroundings: RuleSurroundings
  /** Told of each stored rule that cannot be used, when it is found. */
  onUnusable?: (rule: string, why: string) => void
  log: Logger
  registry: Registry
}

type Files = { written: readonly WrittenRule[]; lists: Lists }

export function createRuleBook({
  folder,
  defaultRule,
  surroundings,
  onUnusable = () => undefined,
  log,
  registry,
}: RuleBookNeeds): RuleBook {
  const metrics = createRuleMetrics(registry)
  let files: Files = { written: [], lists: new Map() }
  let mistakes: RuleMistake[] = []
  let seen: string | undefined
  let rows: readonly StoredRule[] = []
  let fingerprint: string | undefined
  let stored: ListedRule[] = []
  let rules: readonly Rule[] = []
  /** With the lists as they are: of thousands, a change of one is to be read quickly. */
  let parsedRows = new Map<string, ReturnType<typeof parseRule>>()
  let told: ReadonlyMap<string, string> = new Map()
  let asked = 0
  let taken = 0

  function take(sources: readonly RuleSource[]): void {
    seen = JSON.stringify(sources)
    const parsed = parseRules(sources, surroundings)
    mistakes = parsed.ok ? [] : parsed.mistakes
    if (parsed.ok) {
      files = parsed
      parsedRows = new Map()
    }
    metrics.badFiles.set(new Set(mistakes.map(({ file }) => file)).size)
    combine()
  }

  function reloadFiles(): void {
    const sources = readOr(() => readSources(folder, defaultRule), noteUnreadable)
    if (sources === undefined || JSON.stringify(sources) === seen) return
    take(sources)
    if (mistakes.length === 0) log.info({ rules: rules.length, folder }, 'alert rules read again')
    else
      log.error(
        { mistakes: mistakeLines(mistakes) },
        'the rules have mistakes; the last good ones stay in force',
      )
  }

  function noteUnreadable(message: string): void {
    if (mistakes.length === 0)
      log.error({ problem: message }, 'the rules cannot be read; the last good ones stay in force')
    const allowed = 'a folder of files that can be read'
    mistakes = [{ file: folder ?? '', line: 1, field: '', message, allowed }]
    metrics.badFiles.set(1)
    seen = undefined
  }

  async function reloadStored(store: Pick<Store, 'query'>): Promise<void> {
    const turn = ++asked
    const found = await readStoredRules(store, fingerprint)
    // Evaluator and API read on their own: what was asked for later is newer.
    if (found === undefined || turn < taken) return
    taken = turn
    rows = found.rules
    combine()
    fingerprint = found.fingerprint
    if (rows.length > 0) log.info({ rules: rules.length, stored: rows.length }, 'stored alert rules read')
  }

  function tellUnusable(): void {
    const found = new Map(unusable().map((rule) => [rule.stored.id, reasonsOf(rule)]))
    for (const [rule, why] of found) {
      if (told.get(rule) === why) continue
      log.error({ rule, why }, 'a stored alert rule cannot be used; it is not in force')
      onUnusable(rule, why)
    }
    told = found
  }

  /** A stored rule that cannot be used takes no other down. */
  function combine(): void {
    const inForce = files.written.map(({ rule }) => rule)
    const known = parsedRows
    parsedRows = new Map()
    const places = new Map(files.written.map((one) => [one.rule.id, one]))
    stored = rows.map((row) => {
      const place = places.get(row.id)
      if (place !== undefined) return { stored: row, mistakes: [takenBy(row.id, place)] }
      const key = JSON.stringify([row.id, row.document])
      const parsed = known.get(key) ?? parseStored(row, { ...surroundings, lists: files.lists })
      parsedRows.set(key, parsed)
      if (!parsed.ok) return { stored: row, mistakes: parsed.mistakes }
      inForce.push(parsed.rule)
      return { stored: row, mistakes: [] }
    })
    rules = inForce
    metrics.rules.set(rules.length)
    metrics.unusable.set(unusable().length)
  }

  const unusable = () => stored.filter((rule) => rule.mistakes.length > 0)

  return {
    load() {
      take(readSources(folder, defaultRule))
      if (mistakes.length > 0) throw new RulesUnusable(explainRuleMistakes(mistakes))
      log.info({ rules: rules.length, folder }, 'alert rules in force')
    },
    async refresh(store) {
      reloadFiles()
      await reloadStored(store)
      tellUnusable()
    },
    rules: () => rules,
    written: () => files.written,
    stored: () => stored,
    fileMistakes: () => mistakes,
    parse: (document) => parseRule(document, { ...surroundings, lists: files.lists }),
    check: {
      name: 'alert rules',
      // Never unready: what is good is judged, and a slip in a rule must not take the ingest out of service.
      check: () => {
        const warning = [...fileWarning(mistakes), ...storedWarning(unusable())].join(' | ')
        return warning === '' ? { ready: true } : { ready: true, warning }
      },
    },
  }
}

/** That a rule of a file has this id. */
export function takenBy(id: string, { rule, line }: WrittenRule): FieldMistake {
  return {
    field: 'id',
    message: `${id} is the id of a rule of a file, ${rule.file}:${line}`,
    allowed: 'an id that no file uses',
  }
}

/** What another program wrote into the table must not stop the rest either. */
function parseStored(row: StoredRule, around: Parameters<typeof parseRule>[1]): ReturnType<typeof parseRule> {
  const document = readOr(
    () => JSON.parse(row.document) as unknown,
    () => undefined,
  )
  const parsed = parseRule(document, around)
  if (!parsed.ok) return { ok: false, mistakes: firstOf(parsed.mistakes) }
  if (parsed.rule.id === row.id) return parsed
  const mistake = { field: 'id', message: `the rule is stored as ${row.id}`, allowed: row.id }
  return { ok: false, mistakes: [mistake] }
}

function fileWarning(mistakes: readonly RuleMistake[]): string[] {
  if (mistakes.length === 0) return []
  return [`the last good rules are in force: ${mistakeLines(mistakes).slice(0, 20).join(' | ')}`]
}

function storedWarning(unusable: readonly ListedRule[]): string[] {
  return unusable
    .slice(0, 20)
    .map((rule) => `the stored rule ${rule.stored.id} is not in force: ${reasonsOf(rule)}`)
}

function reasonsOf({ mistakes }: ListedRule): string {
  return mistakes.map(({ field, message, allowed }) => `${field}: ${message}; allowed: ${allowed}`).join(', ')
}

function readOr<T>(read: () => T, otherwise: (problem: string) => void): T | undefined {
  try {
    return read()
  } catch (error) {
    otherwise((error as Error).message)
    return undefined
  }
}
