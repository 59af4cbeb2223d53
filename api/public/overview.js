import { read } from './client.js'
import { h, swap } from './dom.js'
import { incidentCard } from './incidents.js'
import { readCatalogue } from './labels.js'
import { createNetworksTable } from './networks.js'
import { pipelineHealth, readReadiness } from './pipeline.js'
import { worldFigures } from './world.js'

/** What diverges now, the whole world, the pipeline, and every network. */
export function createOverview({ refresh }) {
  const networks = createNetworksTable({ onchange: refresh })
  const divergences = h('div', {}, h('p', { class: 'card muted' }, 'Loading…'))
  const world = h('div', { class: 'card' }, h('p', { class: 'muted' }, 'Loading…'))
  const pipeline = h('div', { class: 'card' }, h('p', { class: 'muted' }, 'Loading…'))
  let open = 0
  return {
    title: () => (open === 0 ? 'Halfshake' : `(${open}) Halfshake`),
    element: h(
      'div',
      {},
      section('divergences', 'Diverging now', divergences),
      h(
        'div',
        { class: 'halves' },
        section('world', 'All networks, last hour', world),
        section('pipeline', 'Pipeline', pipeline),
      ),
      section('networks', 'Networks', networks.element),
    ),
    async load(signal, status) {
      const [incidents, all, readiness, about] = await Promise.all([
        read('/v1/divergences', {}, signal),
        read('/v1/world', { from: '-1h' }, signal),
        readReadiness(signal),
        readCatalogue(signal),
        networks.load(signal),
      ])
      open = incidents.items.length
      swap(
        divergences,
        open > 0 ? incidents.items.map((incident) => incidentCard(incident, about)) : nothing(status),
      )
      swap(world, worldFigures(all))
      swap(pipeline, pipelineHealth(status, readiness))
    },
    fail() {
      for (const box of [divergences, world, pipeline]) swap(box, h('p', { class: 'muted' }, 'Not known.'))
      networks.fail()
    },
  }
}

export function section(id, title, ...children) {
  return h('section', { 'aria-labelledby': id }, h('h2', { id, tabindex: '-1' }, title), children)
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
