import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RuleSource } from './read-rules.ts'
import { mistakeLines, type RuleMistake } from './rule-mistake.ts'

/** What the shipped rule has in place of a file's name. */
export const SHIPPED = 'shipped'
const SHIPPED_FILE = join(import.meta.dirname, 'default-rules.yaml')
/** What a file of rules may hold: more is a mistake in the folder's path. */
const LARGEST_FILE = 5_000_000

/** The files of rules cannot be used; the message lists every mistake. */
export class RulesUnusable extends Error {
  override readonly name = 'RulesUnusable'
}

/** The texts of the shipped rule and of every *.yaml in the folder, in the order of their names. */
export function readSources(folder: string | undefined, defaultRule: boolean): RuleSource[] {
  const shipped = defaultRule ? [{ file: SHIPPED, text: readFileSync(SHIPPED_FILE, 'utf8') }] : []
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
