import { h, table } from './dom.js'
import { counted, percent, span, time } from './format.js'
import { subjectOf } from './incident-parts.js'
import { incidentAddress } from './location.js'

/** Incidents that are over, the latest first, each with the way to its page; nothing where there are none. */
export function pastIncidents(incidents, about, { title, more = false }) {
  if (incidents.length === 0) return false
  const count = more
    ? `More than ${counted(incidents.length, 'incident')}`
    : counted(incidents.length, 'incident')
  return h(
    'details',
    { 'data-key': 'past-incidents', class: 'past' },
    h('summary', { 'data-key': 'past-incidents-summary' }, `${count} ${title}`),
    table({
      caption: `Incidents ${title}`,
      key: 'past-incidents-rows',
      columns: [
        { title: 'What', cell: (incident) => link(incident) },
        { title: 'From', cell: ({ onset }) => time(onset) },
        { title: 'For', cell: ({ onset, closed_at }) => span(Date.parse(closed_at) - Date.parse(onset)) },
        {
          title: 'Failed',
          number: true,
          cell: ({ kind, failure_rate }) => (kind === 'volume' ? '–' : percent(failure_rate)),
        },
        { title: 'Cause', cell: ({ kind, cause }) => nameOf(kind, cause, about) },
      ],
      rows: incidents,
    }),
  )
}

function link(incident) {
  return h(
    'a',
    { href: incidentAddress(incident.id), 'data-key': `past-${incident.id}` },
    subjectOf(incident),
  )
}

function nameOf(kind, cause, about) {
  if (cause !== '') return about(cause).title
  return kind === 'volume' ? 'Fewer clients than usual' : 'not known'
}
