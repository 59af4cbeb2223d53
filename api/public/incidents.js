import { h } from './dom.js'
import { span, time } from './format.js'
import {
  causeOf,
  incidentFigures,
  membersOf,
  networkOf,
  prefixesOf,
  sentenceOf,
  subjectOf,
} from './incident-parts.js'
import { incidentAddress } from './location.js'

/** An open incident as a card: the sentence first, then what it rests on, why it is, and what to do. */
export function incidentCard(incident, about, { link = true } = {}) {
  const { onset, odds, id } = incident
  const sentence = sentenceOf(incident)
  return h(
    'article',
    { class: 'card bad incident' },
    h('h3', {}, link ? linked(incident) : 'Diverges now'),
    h(
      'p',
      { class: 'since' },
      'Since ',
      time(onset),
      ` (${span(Date.now() - Date.parse(onset))})`,
      odds === '' ? '' : `; ${odds}`,
    ),
    acknowledgedBy(incident),
    sentence !== undefined && h('p', { class: 'sentence' }, sentence),
    incidentFigures(incident),
    causeOf(incident, about, 'h4'),
    prefixesOf(incident, 'h4'),
    membersOf(incident, 'h4'),
    h(
      'p',
      { class: 'onward' },
      h(
        'a',
        { href: incidentAddress(id), 'data-key': `incident-${id}` },
        'Incident: minutes, history, acknowledge, close',
      ),
    ),
  )
}

function linked(incident) {
  const address = networkOf(incident)
  const text = subjectOf(incident)
  return address === undefined
    ? text
    : h('a', { href: address, 'data-key': `network-of-${incident.id}` }, text)
}

function acknowledgedBy({ acknowledgement }) {
  if (acknowledgement === null || acknowledgement === undefined) return false
  const { author, at, note } = acknowledgement
  return h(
    'p',
    {},
    h('strong', {}, 'Acknowledged'),
    ` by ${author} at `,
    time(at),
    note === '' ? '.' : `: ${note}`,
  )
}
