import { messageSummary } from './alert-messages.js'
import { alertAddress, alertSentence, alertSubject, RESOLUTIONS } from './alert-parts.js'
import { h, table } from './dom.js'
import { span, time } from './format.js'

/** Alerts that are over, the latest first, and what became of their messages. */
export function alertHistory(alerts, messagesOf) {
  if (alerts.length === 0) return h('p', { class: 'card' }, 'No alert ended in this time.')
  return table({
    caption: 'Alerts that are over, the latest first',
    key: 'alert-history',
    columns: [
      { title: 'About', cell: about },
      {
        title: 'Rule',
        cell: ({ rule, severity }) => h('span', { class: 'lines' }, h('code', {}, rule), severity),
      },
      { title: 'Fired', cell: ({ fired_at }) => time(fired_at) },
      {
        title: 'For',
        cell: ({ fired_at, resolved_at }) => span(Date.parse(resolved_at) - Date.parse(fired_at)),
      },
      { title: 'How it ended', cell: ({ resolution }) => RESOLUTIONS[resolution] ?? resolution },
      { title: 'Messages', cell: ({ id }) => messageSummary(messagesOf(id)) },
      {
        title: 'What was found',
        wide: true,
        cell: (alert) => h('span', { class: 'evidence' }, alertSentence(alert)),
      },
    ],
    rows: alerts,
  })
}

function about(alert) {
  const address = alertAddress(alert)
  const subject = alertSubject(alert)
  return address === undefined ? subject : h('a', { href: address, 'data-key': `over-${alert.id}` }, subject)
}
