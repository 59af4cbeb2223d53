import { createHash } from 'node:crypto'
import type { Store } from '../core/store/store.ts'

/** A row of `alert_rules`: a rule that was made through the API. */
export type StoredRule = {
  id: string
  /** The rule as JSON, as it was sent. */
  document: string
  /** Who wrote it, '' when they did not say. */
  author: string
  deleted: boolean
  /** Counts the changes of this id, from 1; goes on over deletions. */
  revision: number
  /** ms since 1970. */
  updated_at: number
}

/** All stored rules, without those that are deleted; undefined when they are still those of `fingerprint`. */
export async function readStoredRules(
  store: Pick<Store, 'query'>,
  fingerprint: string | undefined,
): Promise<{ fingerprint: string; rules: StoredRule[] } | undefined> {
  const [row] = await store.query<{ fingerprint: string }>(FINGERPRINT)
  const found = row?.fingerprint ?? ''
  if (found === fingerprint) return undefined
  return { fingerprint: found, rules: await store.query<StoredRule>(RULES) }
}

/** The revision that an id has had last, also of a deleted rule; 0 when there never was one. */
export async function lastRevision(store: Pick<Store, 'query'>, id: string): Promise<number> {
  const [row] = await store.query<{ last: number }>(LAST_REVISION, { id })
  return row?.last ?? 0
}

export async function writeStoredRule(store: Pick<Store, 'insert'>, rule: StoredRule): Promise<void> {
  const updated_at = new Date(rule.updated_at).toISOString().replace('T', ' ').replace('Z', '')
  await store.insert('alert_rules', [{ ...rule, updated_at }])
}

/** Names one state of a stored rule. */
export function etagOf({ id, document, revision }: StoredRule): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([id, document, revision]))
    .digest('hex')
  return `"${revision}-${hash.slice(0, 12)}"`
}

/** Of every row, so that two that were written at once under the same revision are told apart, too. */
const FINGERPRINT = `
SELECT toString(groupBitXor(cityHash64(id, document, author, deleted, revision))) AS fingerprint
FROM alert_rules FINAL`

const RULES = `
SELECT * REPLACE (toUnixTimestamp64Milli(updated_at) AS updated_at)
FROM alert_rules FINAL
WHERE NOT deleted
ORDER BY id`

const LAST_REVISION = `
SELECT max(revision) AS last FROM alert_rules WHERE id = {id:String}`
