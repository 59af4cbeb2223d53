import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboardsMenu } from './links.ts'
import { TAG } from './uids.ts'
import { datasourceVariable, type Variable } from './variables.ts'

/** What all dashboards have alike: tag, menu, time zone, data source. */
export function frame({
  uid,
  title,
  description,
  from,
  variables,
}: {
  uid: string
  title: string
  /** The question it answers. */
  description: string
  /** Where its time range begins by default. */
  from: string
  variables: readonly Variable[]
}): dashboard.DashboardBuilder {
  return new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .timezone('browser')
    .time({ from, to: 'now' })
    .refresh('1m')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(dashboardsMenu())
    .variables([datasourceVariable(), ...variables])
}
