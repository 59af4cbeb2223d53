import { Refused, read } from './client.js'
import { h, section, swap } from './dom.js'
import { span, time } from './format.js'
import { incidentChart } from './incident-chart.js'
import { incidentHistory } from './incident-history.js'
import { incidentOrders } from './incident-orders.js'
import {
  causeOf,
  incidentFigures,
  membersOf,
  networkOf,
  prefixesOf,
  sentenceOf,
  subjectOf,
} from './incident-parts.js'
import { readCatalogue } from './labels.js'

const KINDS = {
  divergence: 'Fails more than it used to and more than the others',
  our_side: 'Everyone fails: the fault is likely on our side',
  volume: 'Fewer clients come than usual',
}

/** One incident: what it rests on, its minutes, what people decided, and what became of it. */
export function createIncidentView({ id, refresh }) {
  const chart = incidentChart()
  const orders = incidentOrders({ id, refresh })
  const title = h('h2', { class: 'title', tabindex: '-1' }, 'Incident')
  const state = h('p', { class: 'facts' }, 'Loading…')
  const finding = h('div', {}, h('p', { class: 'card muted' }, 'Loading…'))
  const history = h('div', {}, h('p', { class: 'muted' }, 'Loading…'))
  const content = h(
    'div',
    {},
    finding,
    section('minutes', 'Minute by minute', chart.element),
    section('decisions', 'What people decided', orders.element),
    section('history', 'History', history),
  )
  const missing = unknown(id)
  let shownTitle = 'Incident'
  return {
    title: () => `${shownTitle} · Halfshake`,
    concerns: (change) => change.id === id,
    element: h(
      'div',
      {},
      h('p', {}, h('a', { href: '#/' }, '← All networks')),
      title,
      state,
      missing,
      content,
    ),
    load,
    loadChanges: load,
    fail() {
      for (const part of [state, finding, history]) swap(part, h('p', { class: 'muted' }, 'Not known.'))
      chart.fail()
    },
    close: () => chart.close(),
  }

  async function load(signal) {
    const [incident, about] = await Promise.all([readIncident(id, signal), readCatalogue()])
    missing.hidden = incident !== undefined
    content.hidden = incident === undefined
    state.hidden = incident === undefined
    if (incident === undefined) return
    const subject = subjectOf(incident)
    shownTitle = `${incident.state === 'open' ? '' : 'Over: '}${subject}`
    title.textContent = subject
    swap(state, stateOf(incident))
    swap(finding, findingOf(incident, about))
    chart.show(incident)
    orders.show(incident)
    swap(history, incidentHistory(incident))
  }
}

/** Undefined when there is none of this id. */
async function readIncident(id, signal) {
  try {
    return await read(`/v1/divergences/${encodeURIComponent(id)}`, {}, signal)
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  }
}

function stateOf({ state, onset, closed_at, reopened, kind }) {
  const isOpen = state === 'open'
  const end = isOpen ? Date.now() : Date.parse(closed_at)
  return [
    h('strong', { class: isOpen ? 'badge bad' : 'badge' }, isOpen ? 'Open' : 'Over'),
    h(
      'span',
      {},
      'From ',
      time(onset),
      isOpen ? ' on' : [' to ', time(closed_at)],
      ` (${span(end - Date.parse(onset))})`,
    ),
    h('span', {}, KINDS[kind]),
    reopened > 0 && h('span', {}, `Came back ${reopened === 1 ? 'once' : `${reopened} times`}`),
  ]
}

function findingOf(incident, about) {
  const { state, odds } = incident
  const sentence = sentenceOf(incident)
  const network = networkOf(incident)
  return h(
    'div',
    { class: `card incident ${state === 'open' ? 'bad' : ''}` },
    sentence !== undefined && h('p', { class: 'sentence' }, sentence),
    odds !== '' && h('p', { class: 'since' }, `Evidence: ${odds}.`),
    incidentFigures(incident),
    causeOf(incident, about),
    prefixesOf(incident),
    membersOf(incident),
    network !== undefined &&
      h('p', { class: 'onward' }, h('a', { href: network, 'data-key': 'network' }, "The network's page")),
  )
}

function unknown(id) {
  return h(
    'p',
    { class: 'card', hidden: true },
    h('strong', {}, 'No such incident is stored. '),
    'It may be older than what is kept, or of another server: ',
    h('code', {}, id),
    '. ',
    h('a', { href: '#/' }, 'What diverges now'),
  )
}
