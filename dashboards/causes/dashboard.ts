import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { frame } from '../common/frame.ts'
import { incidentsAnnotation } from '../common/incidents.ts'
import { UIDS } from '../common/uids.ts'
import { causeVariable, ipVersionVariable, siteVariable } from '../common/variables.ts'
import * as panels from './panels.ts'

/** Why do handshakes fail, where, and since when? */
export function causes(): dashboard.DashboardBuilder {
  return frame({
    uid: UIDS.causes,
    title: 'Halfshake / Causes',
    description: 'Why do handshakes fail, in which networks and at which sites, and since when?',
    from: 'now-6h',
    variables: [causeVariable(), siteVariable(), ipVersionVariable()],
  })
    .annotation(incidentsAnnotation())
    .withPanel(panels.overTime())
    .withPanel(panels.table())
    .withPanel(panels.networks())
    .withPanel(panels.sites())
    .withPanel(panels.notCounted())
}
