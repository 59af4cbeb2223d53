import { nameOf } from '../alert.ts'
import { type Message, mainLink } from '../message.ts'
import { post } from './post.ts'
import type { Receiver } from './receiver.ts'

/** PagerDuty's Events API v2. Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ */
export function createPagerDutyReceiver({
  name,
  url,
  routingKey,
}: {
  name: string
  url: string
  routingKey: string
}): Receiver {
  return {
    name,
    groupsItself: false,
    send: (message) =>
      post(url, JSON.stringify(pagerDutyEvent(message, routingKey)), { secrets: [routingKey] }),
  }
}

export function pagerDutyEvent(message: Message, routingKey: string) {
  const { group, status, title, text, rule, alerts } = message
  const [first] = alerts
  const link = first === undefined ? undefined : mainLink(first)
  const event = {
    routing_key: routingKey,
    event_action: status === 'firing' ? 'trigger' : 'resolve',
    // One incident at PagerDuty for a group of alerts, from its first message to its last.
    dedup_key: nameOf('pagerduty', group),
  }
  if (status === 'resolved') return event
  return {
    ...event,
    client: 'Halfshake',
    ...(link !== undefined && { client_url: link, links: [{ href: link, text: 'Halfshake' }] }),
    payload: {
      // At most 1,024 characters.
      summary: title.slice(0, 1_024),
      source: 'halfshake',
      severity: rule.severity,
      timestamp: first?.fired_at,
      class: rule.id,
      custom_details: { text, alerts: alerts.length + message.more_alerts },
    },
  }
}
