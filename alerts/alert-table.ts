import type { Store } from '../core/store/store.ts'
import type { Incident } from '../detector/incident.ts'
import { type Alert, versionOf } from './alert.ts'
import { type AlertChangeTable, createAlertChangeTable } from './alert-changes.ts'
import { initialState, type State } from './evaluate.ts'

/** What the evaluator keeps in the store. */
export type AlertTable = {
  /** Writes states of alerts; of one id the last one counts. */
  write(alerts: readonly Alert[]): Promise<void>
  /** The last states of these alerts. */
  read(ids: readonly string[]): Promise<Alert[]>
  /** All that fire according to the table. */
  firing(): Promise<Alert[]>
  /** The state as it was saved last; undefined before the first time. */
  load(): Promise<State | undefined>
  save(state: State): Promise<void>
  /** Incidents that are open, or were closed after `since` (seconds since 1970). */
  incidents(since: number): Promise<Incident[]>
}

export function createAlertTable(
  store: Pick<Store, 'query' | 'insert'>,
  changes: AlertChangeTable = createAlertChangeTable(store),
): AlertTable {
  return {
    async write(alerts) {
      if (alerts.length === 0) return
      // Cut off between the two, the round is repeated: changes that are there already are not added again.
      await changes.add(alerts)
      const rows = alerts.map((alert) => ({ ...alert, version: versionOf(alert) }))
      await store.insert('alerts', rows)
    },
    read: async (ids) => (ids.length === 0 ? [] : store.query<Alert>(BY_ID, { ids })),
    firing: () => store.query<Alert>(FIRING),
    async load() {
      const [row] = await store.query<{ state: string }>(PROGRESS)
      return row === undefined ? undefined : { ...initialState(), ...(JSON.parse(row.state) as State) }
    },
    async save(state) {
      const { minute } = state
      const row = { name: 'evaluator', minute, state: JSON.stringify(state), version: minute }
      await store.insert('alert_progress', [row])
    },
    incidents: (since) => store.query<Incident>(INCIDENTS, { since }),
  }
}

const ALERTS = `
SELECT * EXCEPT (version) REPLACE(
  toUnixTimestamp(started_at) AS started_at,
  toUnixTimestamp(fired_at) AS fired_at,
  toUnixTimestamp(resolved_at) AS resolved_at,
  toUnixTimestamp(minute) AS minute
)
FROM alerts FINAL`

const BY_ID = `${ALERTS}
WHERE id IN {ids:Array(String)}`

const FIRING = `${ALERTS}
WHERE alerts.state = 'firing'`

const PROGRESS = `
SELECT state FROM alert_progress FINAL WHERE name = 'evaluator'`

const INCIDENTS = `
SELECT * REPLACE(
  toUnixTimestamp(onset) AS onset,
  toUnixTimestamp(opened_at) AS opened_at,
  toUnixTimestamp(closed_at) AS closed_at,
  toUnixTimestamp(updated_at) AS updated_at
)
FROM incidents FINAL
WHERE incidents.state = 'open' OR incidents.closed_at > toDateTime({since:UInt32})
ORDER BY incidents.opened_at, id`
