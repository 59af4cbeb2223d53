import { Refused, read } from './client.js'
import { h, section, swap } from './dom.js'
import { incidentCard } from './incidents.js'
import { networkName, readCatalogue } from './labels.js'
import { causesOverTime } from './network-causes.js'
import { keyFigures, rateOverTime } from './network-figures.js'
import { labelLinks, links, neverSeen, rangeChooser } from './network-links.js'
import { breakdowns, failedHandshakes, prefixTable } from './network-tables.js'
import { pastIncidents } from './past-incidents.js'

/** Steps that show a course rather than noise. */
const STEPS = { '-1h': 'minute', '-3h': '5m', '-12h': '5m', '-7d': 'hour' }
const PREFIXES = 20
const LATEST = 10
const PAST = 20

/** One network: against its own past and the rest of the world, why it fails, where, and how far it comes. */
export function createNetworkView({ asn, label, from }) {
  const rate = rateOverTime()
  const causes = causesOverTime()
  const parts = Object.fromEntries(
    ['incidents', 'figures', 'breakdowns', 'prefixes', 'latest', 'links'].map((name) => [
      name,
      h('div', {}, h('p', { class: 'muted' }, 'Loading…')),
    ]),
  )
  const title = h('h2', { class: 'title', tabindex: '-1' }, `AS${asn}`)
  const labels = h('p', { class: 'facts' })
  const content = h(
    'div',
    {},
    parts.incidents,
    section('figures', 'Key figures', parts.figures),
    section('rate', 'Success rate over time', rate.element),
    section('causes', 'Why handshakes fail', causes.element),
    section('breakdowns', 'How far they come, and which', parts.breakdowns),
    section('prefixes', 'Prefixes', parts.prefixes),
    section('latest', 'Latest failed handshakes', parts.latest),
    section('links', 'The same as JSON', parts.links),
  )
  const missing = neverSeen(asn, label)
  let shownTitle = `AS${asn}`
  return {
    title: () => `${shownTitle} · Halfshake`,
    concerns: (change) => change.asn === asn,
    element: h(
      'div',
      {},
      h('p', {}, h('a', { href: '#/' }, '← All networks')),
      h('div', { class: 'headline' }, title, rangeChooser({ asn, label, from })),
      labels,
      missing,
      content,
    ),
    async load(signal) {
      const answers = await readAll({ asn, label, from }, signal)
      if (answers === undefined) {
        missing.hidden = false
        content.hidden = true
        return
      }
      const { network, past, points, causeList, causePoints, prefixes, latest, about } = answers
      missing.hidden = true
      content.hidden = false
      shownTitle = networkName(network)
      title.textContent = shownTitle
      swap(labels, labelLinks(network, from))
      const shared = network.incidents.filter((incident) => incident.scope !== 'prefix')
      swap(
        parts.incidents,
        shared.map((incident) => incidentCard(incident, about, { link: false })),
        pastIncidents(past.items, about, { title: 'over in this time', more: past.next_cursor !== null }),
      )
      swap(parts.figures, keyFigures(network))
      rate.show(points, network)
      causes.show(causePoints, causeList, about)
      swap(parts.breakdowns, breakdowns(network))
      swap(parts.prefixes, prefixTable(prefixes.items, about))
      swap(parts.latest, failedHandshakes(latest.items, about))
      swap(parts.links, links({ asn, label, from }))
    },
    fail() {
      for (const part of Object.values(parts)) swap(part, h('p', { class: 'muted' }, 'Not known.'))
      rate.fail()
      causes.fail()
    },
    close() {
      rate.close()
      causes.close()
    },
  }
}

/** All that the page shows; undefined when the network was never seen. */
async function readAll({ asn, label, from }, signal) {
  const path = `/v1/networks/AS${asn}`
  const below = (part, more) => read(withLabel(`${path}${part}`, label), { from, ...more }, signal)
  const step = STEPS[from]
  try {
    const [network, past, points, causeList, causePoints, prefixes, latest, about] = await Promise.all([
      below(''),
      read(withLabel('/v1/divergences', label), { asn, from, state: 'closed', limit: PAST }, signal),
      below('/timeseries', { step }),
      below('/causes'),
      below('/causes/timeseries', { step }),
      below('/prefixes', { limit: PREFIXES }),
      read(withLabel('/v1/connections', label), { asn, from, outcome: 'failed', limit: LATEST }, signal),
      readCatalogue(),
    ])
    return { network, past, points, causeList, causePoints, prefixes, latest, about }
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  }
}

/** A label can be empty, which is not the same as none. */
function withLabel(path, label) {
  return label === null ? path : `${path}?${new URLSearchParams({ label })}`
}
