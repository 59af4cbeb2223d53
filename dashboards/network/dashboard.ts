import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { ASN } from '../common/filters.ts'
import { frame } from '../common/frame.ts'
import { incidentsAnnotation } from '../common/incidents.ts'
import { apiLink, CHOSEN_ASN } from '../common/links.ts'
import { UIDS } from '../common/uids.ts'
import * as variables from '../common/variables.ts'
import * as breakdowns from './breakdowns.ts'
import * as panels from './panels.ts'

/** Members of an incident of several networks are named by number, and by label where they have one. */
const ITS_OWN = `(asn = ${ASN} OR arrayExists(name -> splitByChar(' ', name)[1] = concat('AS', toString(${ASN})), members))`

/** What is wrong with this network, where in it, and why? */
export function network(): dashboard.DashboardBuilder {
  return frame({
    uid: UIDS.network,
    title: 'Halfshake / Network',
    description: 'What is wrong with one network, in which part of it, and why?',
    from: 'now-6h',
    variables: [
      variables.asnVariable(),
      variables.labelVariable(),
      variables.siteVariable(),
      variables.ipVersionVariable(),
      variables.serverNameVariable(),
      variables.apiVariable(),
    ],
  })
    .annotation(incidentsAnnotation([ITS_OWN]))
    .link(
      apiLink({
        title: 'Console',
        tooltip: 'This network on the page of the API',
        path: `/#as${CHOSEN_ASN}`,
      }),
    )
    .link(
      apiLink({
        title: 'API: causes',
        tooltip: 'Why it fails, with advice and examples, as JSON',
        path: `/v1/networks/${CHOSEN_ASN}/causes`,
      }),
    )
    .link(
      apiLink({
        title: 'API: failed handshakes',
        tooltip: 'The latest ones with every fact that is known, as JSON',
        path: `/v1/connections?outcome=failed&asn=${CHOSEN_ASN}`,
      }),
    )
    .withPanel(panels.name())
    .withPanel(panels.rate())
    .withPanel(panels.othersRate())
    .withPanel(panels.dayBeforeRate())
    .withPanel(panels.failingClients())
    .withPanel(panels.mainCause())
    .withPanel(panels.rateOverTime())
    .withPanel(panels.outcomes())
    .withPanel(panels.causes())
    .withPanel(breakdowns.stages())
    .withPanel(breakdowns.prefixes())
    .withPanel(breakdowns.helloSizes())
    .withPanel(breakdowns.sites())
    .withPanel(breakdowns.postQuantum())
    .withPanel(panels.durations())
    .withPanel(breakdowns.latestFailed())
}
