import type { Store } from '../core/store/store.ts'
import type { ChangeTable } from './change-table.ts'
import type { Incident } from './incident.ts'

/** The table `incidents`: of one id the highest version counts; and what changed, in `incident_changes`. */
export type IncidentTable = {
  write(incidents: readonly Incident[]): Promise<void>
  /** The last state of each incident that is open, or whose onset is not before `since` (seconds since 1970). */
  read(since: number): Promise<Incident[]>
}

export function createIncidentTable(
  store: Pick<Store, 'query' | 'insert'>,
  changes: Pick<ChangeTable, 'add'>,
): IncidentTable {
  return {
    async write(incidents) {
      // Cut off between the two, the states are written again, and the changes that are there already are not.
      await changes.add(incidents)
      // Whole seconds are what a DateTime column takes; everything else goes as it is.
      await store.insert('incidents', incidents)
    },
    read: (since) => store.query<Incident>(LAST_STATES, { since }),
  }
}

const LAST_STATES = `
SELECT * REPLACE(
  toUnixTimestamp(onset) AS onset,
  toUnixTimestamp(opened_at) AS opened_at,
  toUnixTimestamp(closed_at) AS closed_at,
  toUnixTimestamp(updated_at) AS updated_at
)
FROM incidents FINAL
WHERE incidents.state = 'open' OR incidents.onset >= toDateTime({since:UInt32})
ORDER BY incidents.onset, id`
