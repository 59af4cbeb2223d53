import { h } from './dom.js'
import { counted, time } from './format.js'

const RESULTS = { delivered: 'delivered', queued: 'on its way', given_up: 'given up' }

/** Which messages each alert was told in, by its id. */
export function messagesByAlert(notifications) {
  const byAlert = new Map()
  for (const notification of notifications) {
    for (const alert of notification.alerts) {
      byAlert.set(alert, [...(byAlert.get(alert) ?? []), notification])
    }
  }
  return (alert) => byAlert.get(alert) ?? []
}

/** The messages about an alert, the newest first: when, to whom, and what came of it. */
export function messageList(alert, messages) {
  if (messages.length === 0) return h('p', { class: 'muted' }, nothingSent(alert))
  return h(
    'ul',
    { class: 'plain messages' },
    messages.map((message) => h('li', {}, messageLine(message))),
  )
}

function nothingSent({ silenced_by }) {
  return silenced_by.length > 0
    ? 'No message was sent: a silence holds it back.'
    : 'No message was made of it in this time: none is due yet, or no receiver is configured.'
}

function messageLine({ created_at, receiver, status, state, attempts, next_attempt_at, answer }) {
  return [
    time(created_at, { seconds: true }),
    ' to ',
    h('strong', {}, receiver),
    `: ${status === 'resolved' ? 'that it is over' : 'that it fires'}, `,
    h('span', { class: state === 'delivered' ? '' : 'worse' }, RESULTS[state] ?? state),
    attempts > 1 || state !== 'delivered' ? ` after ${counted(attempts, 'attempt')}` : '',
    next_attempt_at === null ? '' : [', next at ', time(next_attempt_at, { seconds: true })],
    state !== 'delivered' && answer !== '' && [': ', h('code', {}, answer)],
  ]
}

/** In a few words: 2 delivered, 1 given up. */
export function messageSummary(messages) {
  const states = Object.keys(RESULTS).flatMap((state) => {
    const count = messages.filter((message) => message.state === state).length
    return count === 0 ? [] : `${count} ${RESULTS[state]}`
  })
  return states.length === 0 ? 'none' : states.join(', ')
}
