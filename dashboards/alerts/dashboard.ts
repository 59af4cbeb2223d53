import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { frame } from '../common/frame.ts'
import { incidentsAnnotation } from '../common/incidents.ts'
import { apiLink } from '../common/links.ts'
import { UIDS } from '../common/uids.ts'
import { apiVariable } from '../common/variables.ts'
import * as panels from './panels.ts'

/** What fires, what fired, and was everybody told? */
export function alerts(): dashboard.DashboardBuilder {
  return frame({
    uid: UIDS.alerts,
    title: 'Halfshake / Alerts',
    description: 'Which alerts fire, which did, and was everybody told?',
    from: 'now-24h',
    variables: [apiVariable()],
  })
    .annotation(incidentsAnnotation())
    .link(
      apiLink({
        title: 'API: alerts',
        tooltip: 'What fires now, with every figure, as JSON',
        path: '/v1/alerts',
      }),
    )
    .withPanel(panels.firingCount())
    .withPanel(panels.firedCount())
    .withPanel(panels.waiting())
    .withPanel(panels.givenUp())
    .withPanel(panels.firing())
    .withPanel(panels.firedOverTime())
    .withPanel(panels.attemptsOverTime())
    .withPanel(panels.rules())
    .withPanel(panels.receivers())
    .withPanel(panels.history())
    .withPanel(panels.silences())
    .withPanel(panels.messages())
}
