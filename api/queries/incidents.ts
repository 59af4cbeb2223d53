import type { Incident } from '../../detector/incident.ts'
import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'

/** Sort key of an incident: when it was opened (seconds since 1970), and its id. */
export type IncidentKey = readonly [opened_at: number, id: string]

export type IncidentsFilter = {
  id?: string | undefined
  state?: string | undefined
  kind?: string | undefined
  scope?: string | undefined
  asn?: number | undefined
  label?: string | undefined
  prefix?: string | undefined
  site?: string | undefined
}

const CONDITIONS: Record<keyof IncidentsFilter, string> = {
  id: 'id = {id:String}',
  state: 'state = {state:String}',
  kind: 'kind = {kind:String}',
  scope: 'scope = {scope:String}',
  asn: 'asn = {asn:UInt32}',
  label: 'label = {label:String}',
  prefix: 'prefix = {prefix:String}',
  site: 'site = {site:String}',
}

/**
 * Incidents that were open at some time in the window (all of them without one), newest first. Times are seconds since 1970, as the
 * detector has them. The last state of each counts.
 */
export function findIncidents(
  store: Queries,
  {
    window,
    filter,
    after,
    limit,
  }: {
    window?: Pick<Window, 'from' | 'to'> | undefined
    filter: IncidentsFilter
    after?: IncidentKey | undefined
    limit: number
  },
): Promise<Incident[]> {
  const where = ['1']
  const parameters: Record<string, string | number> = { rows: limit }
  if (window !== undefined) {
    where.push(
      "onset < toDateTime({to:UInt32}, 'UTC')",
      "(state = 'open' OR closed_at >= toDateTime({from:UInt32}, 'UTC'))",
    )
    Object.assign(parameters, { from: Math.floor(window.from / 1_000), to: Math.floor(window.to / 1_000) })
  }
  if (after !== undefined) {
    where.push('(toUnixTimestamp(opened_at), id) < ({after_opened_at:UInt32}, {after_id:String})')
    Object.assign(parameters, { after_opened_at: after[0], after_id: after[1] })
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof IncidentsFilter]
    if (value === undefined) continue
    where.push(condition)
    parameters[name] = value
  }
  return store.query<Incident>(
    `
SELECT
  * REPLACE (
    toUnixTimestamp(onset) AS onset,
    toUnixTimestamp(opened_at) AS opened_at,
    toUnixTimestamp(closed_at) AS closed_at,
    toUnixTimestamp(updated_at) AS updated_at
  )
FROM (
  SELECT *
  FROM incidents FINAL
  WHERE ${where.join('\n    AND ')}
  ORDER BY incidents.opened_at DESC, id DESC
  LIMIT {rows:UInt32}
) AS incidents
ORDER BY incidents.opened_at DESC, id DESC`,
    parameters,
  )
}
