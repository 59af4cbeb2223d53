import { openAction } from './action-dialog.js'
import { messageList } from './alert-messages.js'
import { alertAddress, alertSentence, alertSubject, silenceOf } from './alert-parts.js'
import { send } from './client.js'
import { h } from './dom.js'
import { span, time } from './format.js'
import { authorField, selectField, textField } from './forms.js'

const UNTIL = { '': 'Until it ends', '+1h': '1 hour', '+4h': '4 hours', '+1d': '1 day' }

/**
 * An alert that fires: what was found, what people decided, the messages about it, and what can be done.
 * @param {{ silences: Map<string, object>, messages: object[], refresh: () => Promise<void> }} about
 */
export function alertCard(alert, { silences, messages, refresh }) {
  const { id, rule, severity, started_at, fired_at } = alert
  const address = alertAddress(alert)
  const subject = alertSubject(alert)
  const mutedBy = alert.silenced_by.map((silence) => silences.get(silence) ?? { id: silence })
  const isMuted = mutedBy.length > 0 || alert.acknowledgement?.holds
  return h(
    'article',
    { class: `card incident ${isMuted ? 'muted-alert' : 'bad'}` },
    h(
      'h3',
      {},
      h('span', { class: `badge ${isMuted ? '' : 'bad'}` }, severity),
      ' ',
      address === undefined ? subject : h('a', { href: address, 'data-key': `alert-${id}` }, subject),
    ),
    h(
      'p',
      { class: 'since' },
      'Since ',
      time(started_at),
      ` (${span(Date.now() - Date.parse(started_at))}); rule `,
      h('code', {}, rule),
      ', met at ',
      time(fired_at),
    ),
    h('p', { class: 'sentence' }, alertSentence(alert)),
    mutedBy.map(silencedBy),
    acknowledgedBy(alert),
    h('h4', {}, 'Messages'),
    messageList(alert, messages),
    h(
      'p',
      { class: 'buttons onward' },
      h(
        'button',
        { type: 'button', 'data-key': `acknowledge-${id}`, onclick: () => acknowledge(alert, refresh) },
        'Acknowledge',
        h('span', { class: 'unseen' }, ` the alert about ${subject}`),
      ),
      h(
        'a',
        { class: 'button', href: silenceOf(alert), 'data-key': `silence-${id}` },
        'Silence',
        h('span', { class: 'unseen' }, ` alerts about ${subject}`),
      ),
    ),
  )
}

function silencedBy({ author, reason, ends_at }) {
  return h(
    'p',
    {},
    h('strong', {}, 'Silenced'),
    // One that is not among those that were read is at least named as being there.
    author === undefined ? '' : [' by ', author, ' until ', time(ends_at), `: ${reason}`],
    '. ',
    h('a', { href: '#/silences' }, 'Silences'),
  )
}

function acknowledgedBy({ acknowledgement }) {
  if (acknowledgement === null) return false
  const { author, at, note, until, holds, of } = acknowledgement
  return h(
    'p',
    {},
    h('strong', {}, 'Acknowledged'),
    ' by ',
    author,
    ' at ',
    time(at),
    of === 'incident' ? ' with its incident' : '',
    until === null ? '' : [holds ? ' until ' : ', which held until ', time(until)],
    note === '' ? '.' : `: ${note}`,
  )
}

function acknowledge({ id, explanation, ...alert }, refresh) {
  openAction({
    key: `acknowledge-${id}`,
    title: `Acknowledge: ${alertSubject({ explanation, ...alert })}`,
    intro: 'It is not told again while it lasts; its end is, and so are new alerts.',
    button: 'Acknowledge',
    fields: [
      authorField(),
      textField({ name: 'note', label: 'Note for the others, if any', max: 2_000, required: false }),
      selectField({ name: 'until', label: 'Hold its repeats back', options: UNTIL }),
    ],
    async submit({ author, note, until }) {
      await send(`/v1/alerts/${encodeURIComponent(id)}/acknowledge`, {
        author,
        note,
        ...(until !== '' && { until }),
      })
      await refresh()
      return 'It is acknowledged.'
    },
  })
}
