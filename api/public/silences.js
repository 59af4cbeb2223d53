import { read } from './client.js'
import { h, section, swap } from './dom.js'
import { counted } from './format.js'
import { silenceForm } from './silence-form.js'
import { silenceTable } from './silence-list.js'

const OVER = 20

/** Silences: those that hold, that are to come and that are over, and the form to order one. */
export function createSilencesView({ named, refresh }) {
  const current = h('div', {}, h('p', { class: 'card muted' }, 'Loading…'))
  const over = h('div', {})
  const form = section('new', 'Silence alerts', intro(), silenceForm({ named, refresh }))
  const list = section('silences', 'Silences', current, over)
  // Who comes from an alert or a network wants the form first.
  const isAsked = Object.keys(named).length > 0
  return {
    title: () => 'Silences · Halfshake',
    // Nothing tells of silences: they are read every ten seconds.
    events: null,
    element: h('div', {}, isAsked ? [form, list] : [list, form]),
    async load(signal) {
      const [active, pending, ended] = await Promise.all([
        read('/v1/silences', { state: 'active' }, signal),
        read('/v1/silences', { state: 'pending' }, signal),
        read('/v1/silences', { state: 'ended', limit: OVER }, signal),
      ])
      swap(current, currentOf(active, pending, refresh))
      swap(over, ended.items.length > 0 && overOf(ended, refresh))
    },
    fail() {
      swap(current, h('p', { class: 'muted' }, 'Not known.'))
    },
  }
}

function currentOf(active, pending, refresh) {
  const silences = [...active.items, ...pending.items]
  if (silences.length === 0) {
    return h(
      'p',
      { class: 'card' },
      h('strong', {}, 'Nothing is silenced. '),
      'Every alert is told to its receivers.',
    )
  }
  const isCut = active.next_cursor !== null || pending.next_cursor !== null
  return [
    silenceTable(silences, { key: 'current', caption: 'Silences that hold or are to come', refresh }),
    isCut && h('p', { class: 'muted note' }, `${counted(silences.length, 'silence')}; there are more.`),
  ]
}

function overOf({ items, next_cursor }, refresh) {
  const count = next_cursor === null ? counted(items.length, 'silence') : `The last ${items.length} silences`
  return h(
    'details',
    { class: 'past', 'data-key': 'over' },
    h('summary', { 'data-key': 'over-summary' }, `${count} that ${items.length === 1 ? 'is' : 'are'} over`),
    silenceTable(items, { key: 'over-rows', caption: 'Silences that are over', refresh }),
  )
}

function intro() {
  return h(
    'p',
    { class: 'muted' },
    'No new message is made about the alerts it names, and none is repeated. The end of what was told is told all the same, and alerts are recorded as ever. What still fires when it ends is told then.',
  )
}
