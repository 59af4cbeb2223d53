import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Gauge, type Registry } from 'prom-client'
import type { Check } from '../core/runtime/health.ts'
import type { Logger } from '../core/runtime/log.ts'
import {
  mistakeLines,
  parseRules,
  type RuleMistake,
  type RuleSource,
  type RuleSurroundings,
} from './parse-rules.ts'
import type { Rule } from './rule.ts'

const SHIPPED = join(import.meta.dirname, 'default-rules.yaml')
/** What a file of rules may hold: more is a mistake in the folder's path. */
const LARGEST_FILE = 5_000_000

/** The rules in force. */
export type RuleBook = {
  /** Reads the folder; throws `RulesUnusable` with every mistake when there are no good rules to fall back on. */
  load(): void
  /** Reads it again when something changed; bad files leave the rules as they are. */
  reload(): void
  rules(): readonly Rule[]
  check: Check
}

export type RuleBookNeeds = {
  folder: string | undefined
  defaultRule: boolean
  surroundings: RuleSurroundings
  log: Logger
  registry: Registry
}

/** The files of rules cannot be used; the message lists every mistake. */
export class RulesUnusable extends Error {
  override readonly name = 'RulesUnusable'
}

export function createRuleBook({
  folder,
  defaultRule,
  surroundings,
  log,
  registry,
}: RuleBookNeeds): RuleBook {
  const metrics = createRuleMetrics(registry)
  let rules: Rule[] = []
  let mistakes: RuleMistake[] = []
  let seen: string | undefined

  function take(sources: readonly RuleSource[]): void {
    seen = JSON.stringify(sources)
    const parsed = parseRules(sources, surroundings)
    mistakes = parsed.ok ? [] : parsed.mistakes
    if (parsed.ok) rules = parsed.rules
    metrics.rules.set(rules.length)
    metrics.badFiles.set(new Set(mistakes.map(({ file }) => file)).size)
  }

  return {
    load() {
      take(readSources(folder, defaultRule))
      if (mistakes.length > 0) throw new RulesUnusable(explainRuleMistakes(mistakes))
      log.info({ rules: rules.length, folder }, 'alert rules in force')
    },
    reload() {
      const sources = readOr(
        () => readSources(folder, defaultRule),
        (problem) => {
          if (mistakes.length === 0)
            log.error({ problem }, 'the rules cannot be read; the last good ones stay in force')
          mistakes = [
            {
              file: folder ?? '',
              line: 1,
              field: '',
              message: problem,
              allowed: 'a folder of files that can be read',
            },
          ]
          metrics.badFiles.set(1)
          seen = undefined
        },
      )
      if (sources === undefined || JSON.stringify(sources) === seen) return
      take(sources)
      if (mistakes.length === 0) log.info({ rules: rules.length, folder }, 'alert rules read again')
      else
        log.error(
          { mistakes: mistakeLines(mistakes) },
          'the rules have mistakes; the last good ones stay in force',
        )
    },
    rules: () => rules,
    check: {
      name: 'alert rules',
      check: () =>
        mistakes.length === 0
          ? { ready: true }
          : // Not unready: the last good rules are judged, and a slip in a rule must not take the ingest out of service.
            {
              ready: true,
              warning: `the last good rules are in force: ${mistakeLines(mistakes).slice(0, 20).join(' | ')}`,
            },
    },
  }
}

/** The texts of the shipped rule and of every *.yaml in the folder, in the order of their names. */
export function readSources(folder: string | undefined, defaultRule: boolean): RuleSource[] {
  const shipped = defaultRule ? [{ file: 'shipped', text: readFileSync(SHIPPED, 'utf8') }] : []
  if (folder === undefined) return shipped
  return [...shipped, ...namesIn(folder).map((name) => ({ file: name, text: readFile(join(folder, name)) }))]
}

export function explainRuleMistakes(mistakes: readonly RuleMistake[]): string {
  const count = `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`
  return [`The alert rules have ${count}:`, ...mistakeLines(mistakes).map((line) => `  ${line}`)].join('\n')
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
      .sort()
  } catch (error) {
    throw new RulesUnusable(`the folder of alert rules ${folder} cannot be read: ${(error as Error).message}`)
  }
}

function readFile(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= LARGEST_FILE) return text
  } catch (error) {
    throw new RulesUnusable(`the alert rules ${path} cannot be read: ${(error as Error).message}`)
  }
  throw new RulesUnusable(`the alert rules ${path} are larger than ${LARGEST_FILE} characters`)
}

function readOr<T>(read: () => T, otherwise: (problem: string) => void): T | undefined {
  try {
    return read()
  } catch (error) {
    otherwise((error as Error).message)
    return undefined
  }
}

function createRuleMetrics(registry: Registry) {
  const registers = [registry]
  return {
    rules: new Gauge({ name: 'halfshake_alert_rules', help: 'Alert rules in force.', registers }),
    badFiles: new Gauge({
      name: 'halfshake_alert_rules_bad_files',
      help: 'Files of rules with mistakes; while there are any, the last good rules are in force.',
      registers,
    }),
  }
}
