import type { AlertChange } from '../../alerts/alert-changes.ts'
import type { Queries } from '../bounded-store.ts'

/** The number of the last change; 0 when there is none. */
export async function lastAlertChange(store: Queries): Promise<number> {
  const [row] = await store.query<{ last: number }>('SELECT max(sequence) AS last FROM alert_changes')
  return row?.last ?? 0
}

/** The next changes of all alerts after this number, in order; all of one number come together. */
export function alertChangesAfter(store: Queries, after: number, limit: number): Promise<AlertChange[]> {
  return store.query<AlertChange>(
    `
SELECT * REPLACE (
  toUnixTimestamp(at) AS at,
  toUnixTimestamp(started_at) AS started_at,
  toUnixTimestamp(fired_at) AS fired_at,
  toUnixTimestamp(resolved_at) AS resolved_at
)
FROM alert_changes FINAL
WHERE sequence > {after:UInt64}
ORDER BY sequence
LIMIT {rows:UInt32} WITH TIES`,
    { after, rows: limit },
  )
}
