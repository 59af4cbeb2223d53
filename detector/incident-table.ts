import type { Store } from '../core/store/store.ts'
import type { Incident } from './incident.ts'

/** The table `incidents`: every state that an incident had; of one id the highest version counts. */
export type IncidentTable = {
  write(incidents: readonly Incident[]): Promise<void>
  /** The last state of each incident that is open, or whose onset is not before `since` (seconds since 1970). */
  read(since: number): Promise<Incident[]>
}

export function createIncidentTable(store: Pick<Store, 'query' | 'insert'>): IncidentTable {
  return {
    // Whole seconds are what a DateTime column takes; everything else goes as it is.
    write: (incidents) => store.insert('incidents', incidents),
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
