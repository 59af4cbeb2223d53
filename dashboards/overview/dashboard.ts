import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { frame } from '../common/frame.ts'
import { incidentsAnnotation } from '../common/incidents.ts'
import { apiLink } from '../common/links.ts'
import { UIDS } from '../common/uids.ts'
import { apiVariable, ipVersionVariable, siteVariable } from '../common/variables.ts'
import * as panels from './panels.ts'

/** Does anybody fail to reach us, who, and since when? */
export function overview(): dashboard.DashboardBuilder {
  return frame({
    uid: UIDS.overview,
    title: 'Halfshake / Overview',
    description: 'Does anybody fail to complete a handshake with us, who is it, and since when?',
    from: 'now-3h',
    variables: [siteVariable(), ipVersionVariable(), apiVariable()],
  })
    .annotation(incidentsAnnotation())
    .link(apiLink({ title: 'Console', tooltip: 'What diverges now, on the page of the API', path: '/' }))
    .withPanel(panels.worldRate())
    .withPanel(panels.openIncidents())
    .withPanel(panels.handshakes())
    .withPanel(panels.newest())
    .withPanel(panels.incidents())
    .withPanel(panels.rateOverTime())
    .withPanel(panels.outcomes())
    .withPanel(panels.networks())
    .withPanel(panels.sites())
    .withPanel(panels.ipVersions())
}
