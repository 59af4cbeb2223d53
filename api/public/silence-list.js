import { openAction } from './action-dialog.js'
import { send } from './client.js'
import { h, table } from './dom.js'
import { time } from './format.js'
import { authorField, textField } from './forms.js'
import { namedText, silenceTimes } from './silence-parts.js'

/** Silences of one state, each with the way to end it while it is not over. */
export function silenceTable(silences, { key, caption, refresh }) {
  const isOver = silences.every(({ state }) => state === 'ended')
  return table({
    caption,
    key,
    columns: [
      { title: 'Alerts', cell: (silence) => namedText(silence) },
      !isOver && { title: 'State', cell: stateOf },
      { title: 'When', cell: silenceTimes },
      { title: 'By whom, and why', cell: ({ author, reason }) => lines(author, reason) },
      isOver
        ? {
            title: 'Ended early',
            cell: ({ ended }) => (ended === null ? '–' : lines(ended.author, ended.reason)),
          }
        : { title: 'Order', cell: (silence) => endButton(silence, refresh) },
    ].filter(Boolean),
    rows: silences,
  })
}

function lines(author, reason) {
  return h('span', { class: 'lines' }, h('strong', {}, author), h('span', {}, reason))
}

function stateOf({ state, mutes_now, starts_at }) {
  if (state === 'pending') return h('span', {}, 'From ', time(starts_at), ' on')
  return mutes_now ? 'Holds messages back' : 'Not in its hours now'
}

function endButton(silence, refresh) {
  const key = `end-${silence.id}`
  const what = namedText(silence)
  return h(
    'button',
    { type: 'button', 'data-key': key, onclick: () => end(silence, { key, what, refresh }) },
    'End',
    h('span', { class: 'unseen' }, ` the silence of ${what}`),
  )
}

function end({ id, state }, { key, what, refresh }) {
  openAction({
    key,
    title: `End the silence of ${what}`,
    intro:
      state === 'pending'
        ? 'It never begins.'
        : 'What it held back and what still fires is told with the next evaluation.',
    button: 'End it',
    fields: [authorField(), textField({ name: 'reason', label: 'Why', max: 2_000 })],
    async submit({ author, reason }) {
      await send(`/v1/silences/${encodeURIComponent(id)}/end`, { author, reason })
      await refresh()
      return 'The silence is ended.'
    },
  })
}
