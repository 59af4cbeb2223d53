import type { AlertInMessage, Message } from '../message.ts'
import { mainLink } from '../message.ts'
import { subjectOf } from '../words.ts'
import { post } from './post.ts'
import type { Receiver } from './receiver.ts'

/** An alert that is not told again within this time is over for Alertmanager, as it is with Prometheus: four times the interval. */
export const FORGOTTEN_AFTER_MS = 240_000
/** Alerts in one request. */
const AT_ONCE = 500

/**
 * Alertmanager's API v2. Labels hold nothing that changes while an alert lasts, nor what differs from one evaluator to
 * another, so that the same alert told twice is one.
 * Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function createAlertmanagerReceiver({
  name,
  url,
  now,
}: {
  name: string
  /** Where Alertmanager is, without /api/v2. */
  url: string
  /** ms since 1970. */
  now: () => number
}): Receiver {
  const address = `${url.replace(/\/+$/, '')}/api/v2/alerts`
  const tell = async (messages: readonly Message[]) => {
    const alerts = messages.flatMap((message) =>
      message.alerts.map((alert) => alertOf(message, alert, now())),
    )
    for (let i = 0; i + AT_ONCE < alerts.length; i += AT_ONCE) {
      const answer = await post(address, JSON.stringify(alerts.slice(i, i + AT_ONCE)))
      if (answer.result !== 'delivered') return answer
    }
    return post(address, JSON.stringify(alerts.slice(-(alerts.length % AT_ONCE || AT_ONCE))))
  }
  return { name, groupsItself: true, send: (message) => tell([message]), remind: tell }
}

function alertOf({ rule }: Message, alert: AlertInMessage, now: number) {
  const { asn, label, prefix, site, scope, kind, status, cause, explanation, network } = alert
  const labels = {
    alertname: rule.id,
    severity: rule.severity,
    kind,
    scope,
    ...(asn > 0 && { asn: `AS${asn}` }),
    // An empty label and one that is missing are the same to Alertmanager.
    ...(label !== '' && { label }),
    ...(prefix !== '' && { prefix }),
    ...(site !== '' && { site }),
  }
  const link = mainLink(alert)
  return {
    labels,
    annotations: {
      summary: `${subjectOf(alert)}: ${rule.summary}`,
      description: explanation,
      started_at: alert.started_at,
      ...(network !== '' && { network }),
      ...(cause !== null && {
        cause: `${cause.title} (${cause.name})`,
        meaning: cause.meaning,
        advice: cause.advice,
        ...(cause.evidence !== '' && { evidence: cause.evidence }),
      }),
    },
    // Alertmanager waits for no others (group_wait) with what began longer ago, so it begins as it is sent; of several sendings the earliest counts.
    startsAt: status === 'firing' ? new Date(now).toISOString() : alert.fired_at,
    endsAt:
      status === 'resolved' && alert.resolved_at !== null
        ? alert.resolved_at
        : new Date(now + FORGOTTEN_AFTER_MS).toISOString(),
    ...(link !== undefined && { generatorURL: link }),
  }
}
