import type { EvaluationError } from '../../alerts/error-log.ts'
import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'

export type ErrorRow = EvaluationError & { hash: string }

/** Sort key of an error: when (ms since 1970), of which rule, and a hash of what. */
export type ErrorKey = readonly [at: number, rule: string, hash: string]

/** What kept a rule from being evaluated in the window, newest first; errors of all rules are errors of each. */
export function findEvaluationErrors(
  store: Queries,
  {
    window,
    rule,
    after,
    limit,
  }: { window: Pick<Window, 'from' | 'to'>; rule: string; after?: ErrorKey | undefined; limit: number },
): Promise<ErrorRow[]> {
  const { from, to } = window
  const next =
    after === undefined
      ? ''
      : '\n  AND (toUnixTimestamp64Milli(errors.at), rule, cityHash64(error)) < ({after_at:Int64}, {after_rule:String}, {after_hash:UInt64})'
  const [after_at, after_rule, after_hash] = after ?? [0, '', '0']
  return store.query<ErrorRow>(
    `
SELECT toUnixTimestamp64Milli(errors.at) AS at, toUnixTimestamp(errors.minute) AS minute, rule, error,
  toString(cityHash64(error)) AS hash
FROM evaluation_errors AS errors FINAL
WHERE rule IN ('', {rule:String})
  AND errors.at >= fromUnixTimestamp64Milli({from:Int64}) AND errors.at < fromUnixTimestamp64Milli({to:Int64})${next}
ORDER BY errors.at DESC, rule DESC, cityHash64(error) DESC
LIMIT {rows:UInt32}`,
    { rule, from, to, after_at, after_rule, after_hash, rows: limit },
  )
}
