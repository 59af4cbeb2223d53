import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { alerts } from './alerts/dashboard.ts'
import { causes } from './causes/dashboard.ts'
import { network } from './network/dashboard.ts'
import { overview } from './overview/dashboard.ts'
import { pipeline } from './pipeline/dashboard.ts'

/** Every dashboard, by the name of the file that Grafana imports. */
export const DASHBOARDS: Readonly<Record<string, () => dashboard.DashboardBuilder>> = {
  overview,
  network,
  causes,
  alerts,
  pipeline,
}

/** What Grafana imports: the classic schema, which file provisioning takes. */
export function buildDashboard(make: () => dashboard.DashboardBuilder): string {
  return `${JSON.stringify(make().build(), withoutMenu, 2)}\n`
}

/** The SDK puts links and annotations into a menu that must be opened first unless told otherwise, and has no word for otherwise. */
function withoutMenu(key: string, value: unknown): unknown {
  return key === 'placement' && value === 'inControlsMenu' ? undefined : value
}
