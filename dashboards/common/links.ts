import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { TAG, UIDS } from './uids.ts'

/** Grafana fills these in: `$` and `{…}` are apart so that nobody takes them for ours. */
const grafana = (name: string) => `$${`{${name}}`}`

const RANGE = grafana('__url_time_range')
const CHOSEN = ['datasource', 'site', 'ip_version'].map((name) => grafana(`${name}:queryparam`)).join('&')

/** From a row with a column `asn` to the network's page, with time range and filters. */
export const TO_NETWORK = {
  title: 'Look at this network',
  url: `/d/${UIDS.network}?${RANGE}&${CHOSEN}&var-asn=${grafana('__data.fields.asn')}`,
}

/** The same from a dashboard without filters. */
export const TO_WHOLE_NETWORK = {
  title: TO_NETWORK.title,
  url: `/d/${UIDS.network}?${RANGE}&${grafana('datasource:queryparam')}&var-asn=${grafana('__data.fields.asn')}`,
}

/** From a row with a column `cause` to that cause alone. */
export const TO_CAUSE = {
  title: 'Where does this cause show?',
  url: `/d/${UIDS.causes}?${RANGE}&${CHOSEN}&var-cause=${grafana('__data.fields.cause')}`,
}

/** The other dashboards, with the time range kept; variables that they share as well. */
export function dashboardsMenu(): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder('Halfshake')
    .type(dashboard.DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(false)
    .includeVars(true)
    .keepTime(true)
}

/** Out of Grafana: a page of the API, in a tab of its own. */
export function apiLink({
  title,
  tooltip,
  path,
}: {
  title: string
  tooltip: string
  path: string
}): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title)
    .type(dashboard.DashboardLinkType.Link)
    .icon('external link')
    .tooltip(tooltip)
    .url(`${grafana('api:raw')}${path}`)
    .targetBlank(true)
}

/** The number of the network that the page is about. */
export const CHOSEN_ASN = grafana('asn:raw')
