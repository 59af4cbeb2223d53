import { alertCard } from './alert-card.js'
import { alertHistory } from './alert-history.js'
import { messagesByAlert } from './alert-messages.js'
import { read } from './client.js'
import { h, section, swap } from './dom.js'
import { counted } from './format.js'

const PAST = { from: '-7d', limit: 100 }
/** Messages about what fires may be older than what is listed of the past. */
const MESSAGES = { from: '-7d', limit: 200 }

/** What fires, what people decided about it, the messages sent, and what fired in the last days. */
export function createAlertsView({ refresh }) {
  const firing = h('div', {}, h('p', { class: 'card muted' }, 'Loading…'))
  const history = h('div', {}, h('p', { class: 'muted' }, 'Loading…'))
  let count = 0
  return {
    title: () => `${count === 0 ? '' : `(${count}) `}Alerts · Halfshake`,
    events: '/v1/alerts/events',
    element: h(
      'div',
      {},
      section('firing', 'Alerts that fire', firing),
      section('past', 'Over in the last 7 days', history),
    ),
    load,
    loadChanges: load,
    fail() {
      for (const box of [firing, history]) swap(box, h('p', { class: 'muted' }, 'Not known.'))
    },
  }

  async function load(signal) {
    const [now, past, notifications, active] = await Promise.all([
      read('/v1/alerts', {}, signal),
      read('/v1/alerts/history', PAST, signal),
      read('/v1/notifications', MESSAGES, signal),
      read('/v1/silences', { state: 'active' }, signal),
    ])
    const messagesOf = messagesByAlert(notifications.items)
    const silences = new Map(active.items.map((silence) => [silence.id, silence]))
    const over = past.items.filter(({ state }) => state === 'resolved')
    count = now.items.length
    swap(
      firing,
      now.items.map((alert) => alertCard(alert, { silences, messages: messagesOf(alert.id), refresh })),
      count === 0 && nothing(),
      now.next_cursor !== null &&
        h('p', { class: 'muted note' }, `The latest ${counted(count, 'alert')}; there are more.`),
    )
    swap(
      history,
      alertHistory(over, messagesOf),
      past.next_cursor !== null && h('p', { class: 'muted note' }, 'Older ones are not shown.'),
    )
  }
}

function nothing() {
  return h(
    'p',
    { class: 'card good' },
    h('strong', {}, 'No alert fires. '),
    'Rules say what is watched and who is told: ',
    h('a', { href: '/docs#getRules' }, 'GET /v1/rules'),
    '.',
  )
}
