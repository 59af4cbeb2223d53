import { read } from './client.js'
import { h, section, swap } from './dom.js'
import { counted } from './format.js'
import { incidentCard } from './incidents.js'
import { readCatalogue } from './labels.js'
import { createNetworksTable } from './networks.js'
import { pastIncidents } from './past-incidents.js'
import { pipelineHealth, readReadiness } from './pipeline.js'
import { worldFigures } from './world.js'

const PAST = { from: '-7d', most: 20 }

/** What diverges now, the whole world, the pipeline, and every network. */
export function createOverview({ refresh }) {
  const networks = createNetworksTable({ onchange: refresh })
  const divergences = h('div', {}, h('p', { class: 'card muted' }, 'Loading…'))
  const world = h('div', { class: 'card' }, h('p', { class: 'muted' }, 'Loading…'))
  const pipeline = h('div', { class: 'card' }, h('p', { class: 'muted' }, 'Loading…'))
  const past = h('div', {})
  // A live region speaks when it changes.
  const told = h('p', { class: 'unseen', role: 'status' })
  let open = 0
  let lastStatus

  async function loadChanges(signal) {
    const [now, over, about] = await Promise.all([
      read('/v1/divergences', {}, signal),
      read('/v1/divergences', { state: 'closed', from: PAST.from, limit: PAST.most }, signal),
      readCatalogue(),
    ])
    open = now.items.length
    const news = open === 0 ? 'Nothing diverges' : `${counted(open, 'incident')} open`
    if (told.textContent !== news) told.textContent = news
    if (open > 0) swap(divergences, ...now.items.map((incident) => incidentCard(incident, about)))
    else if (lastStatus !== undefined) swap(divergences, nothing(lastStatus))
    const more = over.next_cursor !== null
    swap(past, pastIncidents(over.items, about, { title: 'over in the last 7 days', more }))
  }

  return {
    title: () => (open === 0 ? 'Halfshake' : `(${open}) Halfshake`),
    element: h(
      'div',
      {},
      section('divergences', 'Diverging now', told, divergences, past),
      h(
        'div',
        { class: 'halves' },
        section('world', 'All networks, last hour', world),
        section('pipeline', 'Pipeline', pipeline),
      ),
      section('networks', 'Networks', networks.element),
    ),
    loadChanges,
    async load(signal, status) {
      lastStatus = status
      const [all, readiness] = await Promise.all([
        read('/v1/world', { from: '-1h' }, signal),
        readReadiness(signal),
        loadChanges(signal),
        networks.load(signal),
      ])
      swap(world, worldFigures(all))
      swap(pipeline, pipelineHealth(status, readiness))
    },
    fail() {
      for (const box of [divergences, world, pipeline]) swap(box, h('p', { class: 'muted' }, 'Not known.'))
      networks.fail()
    },
  }
}

/** Why there is nothing to see, which is not always good news. */
function nothing({ stored, agents }) {
  if (stored.raw > 0 || stored.hours > 0) {
    return h(
      'p',
      { class: 'card good' },
      h('strong', {}, 'Nothing diverges. '),
      'No network does worse than it used to and worse than the others.',
    )
  }
  if (agents.length > 0) return h('p', { class: 'card' }, 'Agents report, but no handshake was decided yet.')
  return h(
    'p',
    { class: 'card' },
    h('strong', {}, 'No handshake was reported yet. '),
    'Point an agent at this server; ',
    h('a', { href: '/docs#postEvents' }, 'POST /v1/events'),
    ' says how events come in.',
  )
}
