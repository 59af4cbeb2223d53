import type { Change } from '../../detector/change.ts'
import type { Queries } from '../bounded-store.ts'

const COLUMNS = `
  * REPLACE (
    toUnixTimestamp64Milli(at) AS at,
    toUnixTimestamp(onset) AS onset
  )`

/** The number of the last change; 0 when there is none. */
export async function lastSequence(store: Queries): Promise<number> {
  const [row] = await store.query<{ last: number }>('SELECT max(sequence) AS last FROM incident_changes')
  return row?.last ?? 0
}

/** The next changes of all incidents after this number, in order. */
export function changesAfter(store: Queries, after: number, limit: number): Promise<Change[]> {
  return store.query<Change>(
    `
SELECT ${COLUMNS}
FROM incident_changes FINAL
WHERE sequence > {after:UInt64}
ORDER BY sequence
LIMIT {rows:UInt32}`,
    { after, rows: limit },
  )
}

/** What became of one incident, in order: of each event the latest `limit`; and how many there are in all. */
export async function changesOf(
  store: Queries,
  id: string,
  limit: number,
): Promise<{ changes: Change[]; count: number }> {
  const [changes, counted] = await Promise.all([
    store.query<Change>(
      `
SELECT ${COLUMNS}
FROM (
  SELECT *
  FROM incident_changes FINAL
  WHERE id = {id:String}
  ORDER BY sequence DESC
  LIMIT {rows:UInt32} BY event
)
ORDER BY sequence`,
      { id, rows: limit },
    ),
    store.query<{ count: number }>(
      'SELECT count() AS count FROM incident_changes FINAL WHERE id = {id:String}',
      { id },
    ),
  ])
  return { changes, count: counted[0]?.count ?? 0 }
}
