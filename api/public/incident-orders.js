import { send } from './client.js'
import { h, swap } from './dom.js'
import { time } from './format.js'
import { authorField, createForm, textField } from './forms.js'

/** Who has taken notice of an incident and who closed it, and the forms to do either. */
export function incidentOrders({ id, refresh }) {
  const path = `/v1/divergences/${encodeURIComponent(id)}`
  const acknowledge = orderForm({
    button: 'Acknowledge',
    fields: [
      authorField(),
      textField({ name: 'note', label: 'Note for the others, if any', max: 2_000, required: false }),
    ],
    order: ({ author, note }) => send(`${path}/acknowledge`, { author, note }),
    done: 'It is recorded.',
    refresh,
  })
  const close = orderForm({
    button: 'Close it',
    fields: [authorField(), textField({ name: 'reason', label: 'Why it is over', max: 2_000 })],
    order: ({ author, reason }) => send(`${path}/close`, { author, reason }),
    done: 'It is ordered. The detector takes it within seconds.',
    refresh,
  })
  const acknowledged = h('div', {})
  const closed = h('div', {})
  // Folded: it is the rarer of the two, and cannot be taken back.
  const closing = h('details', {}, h('summary', {}, 'Close by hand'), close.form)
  return {
    element: h(
      'div',
      { class: 'halves' },
      h(
        'div',
        { class: 'card' },
        h('h3', {}, 'Acknowledgement'),
        acknowledged,
        acknowledge.form,
        acknowledge.messages,
      ),
      h('div', { class: 'card' }, h('h3', {}, 'Closing'), closed, closing, close.messages),
    ),
    show(incident) {
      const isOpen = incident.state === 'open'
      swap(acknowledged, acknowledgementOf(incident))
      swap(closed, closingOf(incident))
      acknowledge.form.hidden = !isOpen || incident.acknowledgement !== null
      closing.hidden = !isOpen || incident.closing !== null
    },
  }
}

function orderForm({ order, done, refresh, ...form }) {
  return createForm({
    ...form,
    async submit(values) {
      try {
        await order(values)
        return done
      } finally {
        // Also when it was refused: somebody else may have been first.
        await refresh()
      }
    },
  })
}

function acknowledgementOf({ acknowledgement, state }) {
  if (acknowledgement === null) {
    return state === 'open'
      ? h(
          'p',
          { class: 'muted' },
          'Nobody has taken notice of it yet. To do so changes nothing but the record.',
        )
      : h('p', {}, 'Nobody took notice of it.')
  }
  return decided('By', acknowledgement, acknowledgement.note)
}

function closingOf({ closing, state, closed_at }) {
  if (closing !== null) {
    return [
      decided('Ordered by', closing, closing.reason),
      closing.holds_from === null && state === 'open'
        ? h('p', {}, 'The detector has still to take the order, which takes some seconds.')
        : h('p', {}, 'Closed by hand at ', time(closed_at ?? closing.holds_from), '.'),
    ]
  }
  if (state === 'closed') return h('p', {}, 'It was over by itself at ', time(closed_at), '.')
  return h(
    'p',
    { class: 'muted' },
    'It ends by itself when the network has recovered. Closed by hand, what speaks against the network is forgotten; what goes on failing opens another incident, on new evidence alone.',
  )
}

function decided(by, { author, at }, words) {
  return h(
    'p',
    {},
    `${by} `,
    h('strong', {}, author),
    ' at ',
    time(at, { seconds: true }),
    words === '' ? '.' : `: ${words}`,
  )
}
