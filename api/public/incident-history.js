import { h, table } from './dom.js'
import { counted, number, percent, time } from './format.js'

/** What became of an incident, the latest first: its figures change often, so of these only the last are at hand. */
export function incidentHistory({ history, history_left_out, kind }) {
  if (history.length === 0) return h('p', { class: 'card' }, 'Nothing is recorded of it.')
  const changes = history.filter(({ event }) => event === 'changed')
  const told = history.filter(({ event }) => event !== 'changed')
  const left = history_left_out === 0 ? '' : `, the latest of ${number(changes.length + history_left_out)}`
  return [
    historyTable('What became of it, the latest first', 'history', kind, [...told, ...changes.slice(-1)]),
    changes.length > 1 &&
      h(
        'details',
        { class: 'past', 'data-key': 'changes' },
        h(
          'summary',
          { 'data-key': 'changes-summary' },
          `${counted(changes.length, 'change')} of its figures${left}`,
        ),
        historyTable('Changes of its figures, the latest first', 'changes-rows', kind, changes),
      ),
  ]
}

function historyTable(caption, key, kind, changes) {
  const isVolume = kind === 'volume'
  return table({
    caption,
    key,
    columns: [
      { title: 'When', cell: ({ at }) => time(at, { seconds: true }) },
      { title: 'What', cell: (change) => h('span', {}, whatOf(change)) },
      {
        title: isVolume ? 'Missing' : 'Failure rate',
        number: true,
        cell: ({ failure_rate }) => percent(failure_rate),
      },
      {
        title: isVolume ? 'Came' : 'Failed',
        number: true,
        cell: ({ failed, decided }) => `${number(failed)} of ${number(decided)}`,
      },
      { title: 'By whom, and why', cell: byWhom },
    ],
    rows: changes.toSorted((a, b) => b.sequence - a.sequence),
  })
}

function whatOf({ event, reopened, author }) {
  const names = {
    opened: reopened > 0 ? 'Came back' : 'Opened',
    changed: 'Figures changed',
    acknowledged: 'Acknowledged',
    closed: author === '' ? 'Over by itself' : 'Closed by hand',
  }
  // An event that only a newer program knows has its name and nothing else.
  return names[event] ?? event
}

function byWhom({ author, note }) {
  if (author === '') return '–'
  return h('span', { class: 'lines' }, h('strong', {}, author), h('span', {}, note))
}
