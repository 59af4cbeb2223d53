import type { Rule } from '../../alerts/rule.ts'
import { etagOf, lastRevision, type StoredRule, writeStoredRule } from '../../alerts/stored-rules.ts'
import type { Conditions, Context, Reply } from '../route.ts'
import { badRule, etagHeader, type RuleItem, ruleOrNotFound, storedOf, writtenOf } from './rule.ts'
import { changed, standsInFile, tooMany, unconditional } from './rule-problems.ts'

/** Stored rules at a time: what is judged every minute has a bound. */
const MOST_RULES = 10_000
/** Paths of their own under /v1/rules, which a rule of this id could not be asked for. */
const RESERVED = ['schema', 'backtest']

/** One write at a time, over the rules as they are now. */
export function inTurn<T>(
  { rules, store: queries, inTurn: take }: Context,
  use: () => Promise<T>,
): Promise<T> {
  return take(async () => {
    await rules.refresh(queries)
    return use()
  })
}

/** The rule that a document is, where it may be stored; throws the problem that lists every mistake. */
export function checked({ rules }: Context, document: Record<string, unknown>): Rule {
  const parsed = rules.parse(document)
  if (!parsed.ok) throw badRule(parsed.mistakes)
  const { id } = parsed.rule
  if (RESERVED.includes(id))
    throw badRule([{ field: 'id', message: `${id} is a path of the API`, allowed: 'another id' }])
  refuseWritten(rules, id)
  return parsed.rule
}

export type Given = { id: string; document: Record<string, unknown>; author: string; deleted?: boolean }

/** Stores a rule, and answers with it as it is then. */
export async function write(context: Context, given: Given): Promise<Reply & { body: RuleItem }> {
  const { rules } = context
  if (storedOf(rules, given.id) === undefined && rules.stored().length >= MOST_RULES)
    throw tooMany(MOST_RULES)
  await store(context, given)
  const item = ruleOrNotFound(rules, given.id)
  return { body: item, headers: { ...etagHeader(item), Location: `/v1/rules/${item.id}` } }
}

/** Stores what becomes of a rule, under the next revision. */
export async function store(
  context: Context,
  { id, document, author, deleted = false }: Given,
): Promise<void> {
  const { store: queries, rules, clock } = context
  const revision = (await lastRevision(queries, id)) + 1
  const text = deleted ? '' : JSON.stringify(document)
  const row: StoredRule = { id, document: text, author, deleted, revision, updated_at: clock().now }
  await writeStoredRule(queries, row)
  await rules.refresh(queries)
}

/** Whether the request makes a rule or replaces one; throws the problem when its conditions are not met. */
export function checkConditions({ rules }: Context, id: string, given: Conditions): 'create' | 'replace' {
  const stored = storedOf(rules, id)?.stored
  if (stored === undefined) refuseWritten(rules, id)
  if (given.ifMatch === undefined && given.ifNoneMatch === undefined) throw unconditional(id)
  if (given.ifNoneMatch !== undefined) {
    if (given.ifNoneMatch.trim() !== '*' || given.ifMatch !== undefined) throw unconditional(id)
    if (stored !== undefined) throw changed(id, etagOf(stored))
    return 'create'
  }
  if (stored === undefined) ruleOrNotFound(rules, id)
  else if (!matches(given.ifMatch ?? '', etagOf(stored))) throw changed(id, etagOf(stored))
  return 'replace'
}

/** Source: RFC 9110, section 13.1.1 */
function matches(given: string, etag: string): boolean {
  return given.split(',').some((one) => one.trim() === '*' || one.trim() === etag)
}

function refuseWritten(rules: Context['rules'], id: string): void {
  const written = writtenOf(rules, id)
  if (written !== undefined) throw standsInFile(id, written)
}
