import type { Alert } from '../../alerts/alert.ts'
import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'

/** A row of the table `alerts`; times in seconds since 1970. */
export type AlertRow = Omit<Alert, 'minute'>

/** Sort key of an alert: when it fired (seconds since 1970), and its id. */
export type AlertKey = readonly [fired_at: number, id: string]

export type AlertsFilter = {
  id?: string | undefined
  state?: string | undefined
  rule?: string | undefined
  severity?: string | undefined
  asn?: number | undefined
}

const CONDITIONS: Record<keyof AlertsFilter, string> = {
  id: 'id = {id:String}',
  state: 'alerts.state = {state:String}',
  rule: 'rule = {rule:String}',
  severity: 'severity = {severity:String}',
  asn: 'asn = {asn:UInt32}',
}

/** Alerts, newest first; the last state of each. */
export function findAlerts(
  store: Queries,
  {
    window,
    fired,
    filter,
    after,
    limit,
  }: {
    /** Those that fired at some time in it … */
    window?: Pick<Window, 'from' | 'to'> | undefined
    /** … or those that began to. */
    fired?: Pick<Window, 'from' | 'to'> | undefined
    filter: AlertsFilter
    after?: AlertKey | undefined
    limit: number
  },
): Promise<AlertRow[]> {
  const where = ['1']
  const parameters: Record<string, string | number> = { rows: limit }
  if (window !== undefined) {
    where.push(
      "alerts.fired_at < toDateTime({to:UInt32}, 'UTC')",
      "(alerts.state = 'firing' OR alerts.resolved_at >= toDateTime({from:UInt32}, 'UTC'))",
    )
    Object.assign(parameters, { from: Math.floor(window.from / 1_000), to: Math.floor(window.to / 1_000) })
  }
  if (fired !== undefined) {
    where.push(
      "alerts.fired_at >= toDateTime({fired_from:UInt32}, 'UTC')",
      "alerts.fired_at < toDateTime({fired_to:UInt32}, 'UTC')",
    )
    Object.assign(parameters, {
      fired_from: Math.floor(fired.from / 1_000),
      fired_to: Math.floor(fired.to / 1_000),
    })
  }
  if (after !== undefined) {
    where.push('(toUnixTimestamp(alerts.fired_at), id) < ({after_fired_at:UInt32}, {after_id:String})')
    Object.assign(parameters, { after_fired_at: after[0], after_id: after[1] })
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof AlertsFilter]
    if (value === undefined) continue
    where.push(condition)
    parameters[name] = value
  }
  return store.query<AlertRow>(
    `
SELECT
  * EXCEPT (minute, version)
  REPLACE (
    toUnixTimestamp(started_at) AS started_at,
    toUnixTimestamp(fired_at) AS fired_at,
    toUnixTimestamp(resolved_at) AS resolved_at
  )
FROM (
  SELECT *
  FROM alerts FINAL
  WHERE ${where.join('\n    AND ')}
  ORDER BY alerts.fired_at DESC, id DESC
  LIMIT {rows:UInt32}
) AS alerts
ORDER BY alerts.fired_at DESC, id DESC`,
    parameters,
  )
}
