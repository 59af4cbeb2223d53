import type { Alert } from './alert.ts'

/** Where people look at what a message is about; undefined where nobody said where that is. */
export type Places = {
  publicUrl: string | undefined
  /** Addresses of Grafana's dashboards; that of one network takes its number as `var-asn`. */
  dashboards: { overview: string; network: string } | undefined
}

/** Grafana shows so much before an alert began, ms: without it nobody sees what is different. */
const BEFORE_MS = 3_600_000

/** Named links, the page first. */
export function linksOf(
  alert: Pick<Alert, 'scope' | 'asn' | 'label' | 'incident' | 'started_at' | 'resolved_at'>,
  { publicUrl, dashboards }: Places,
): Record<string, string> {
  const { scope, asn, incident, started_at } = alert
  const ofNetwork = asn > 0 && (scope === 'network' || scope === 'prefix')
  const from = encodeURIComponent(new Date(started_at * 1_000).toISOString().replace('.000Z', 'Z'))
  return {
    ...(publicUrl !== undefined && { page: `${publicUrl}/${ofNetwork ? pageOf(alert) : ''}` }),
    ...(dashboards !== undefined && {
      dashboard: ofNetwork
        ? `${dashboards.network}?var-asn=${asn}&${rangeOf(alert)}`
        : `${dashboards.overview}?${rangeOf(alert)}`,
    }),
    ...(publicUrl !== undefined &&
      ofNetwork && {
        network: `${publicUrl}/v1/networks/${asn}`,
        causes: `${publicUrl}/v1/networks/${asn}/causes?from=${from}`,
      }),
    ...(publicUrl !== undefined &&
      incident !== '' && { incident: `${publicUrl}/v1/divergences/${encodeURIComponent(incident)}` }),
  }
}

/** The console's page of a network, or of the part of it that has the label. */
function pageOf({ asn, label }: Pick<Alert, 'asn' | 'label'>): string {
  return `#/networks/AS${asn}${label === '' ? '' : `?${new URLSearchParams({ label })}`}`
}

/** Up to now while it fires, so that the link stays of use. */
function rangeOf({ started_at, resolved_at }: Pick<Alert, 'started_at' | 'resolved_at'>): string {
  const to = resolved_at === 0 ? 'now' : resolved_at * 1_000 + BEFORE_MS
  return `from=${started_at * 1_000 - BEFORE_MS}&to=${to}`
}
