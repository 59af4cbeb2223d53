import { h } from './dom.js'
import { time } from './format.js'
import { networkAddress, silenceAddress } from './location.js'
import { keptToken } from './token.js'

/** Where one comes from a network's page: other times, other parts, its alerts, the same as JSON. */

const RANGES = {
  '-1h': '1 hour',
  '-3h': '3 hours',
  '-12h': '12 hours',
  '-1d': '1 day',
  '-7d': '7 days',
  '-30d': '30 days',
}

export function rangeChooser({ asn, label, from }) {
  return h(
    'nav',
    { class: 'ranges', 'aria-label': 'Time range' },
    Object.entries(RANGES).map(([value, title]) =>
      h(
        'a',
        { href: networkAddress({ asn, label, from: value }), 'aria-current': value === from ? 'true' : null },
        title,
      ),
    ),
  )
}

/** The parts of a network that has labels, and since when it is known. */
export function labelLinks({ asn, label, labels, first_seen }, from) {
  const since = [h('span', {}, 'First seen ', time(first_seen)), silenceLink(asn, label)]
  // Of a part the API names only that part; from the whole one comes to the others.
  if (labels.length < 2 && label === null) return since
  const link = (name, value) =>
    h(
      'a',
      {
        href: networkAddress({ asn, label: value, from }),
        'aria-current': value === label ? 'true' : null,
        'data-key': `label-${name}`,
      },
      name,
    )
  return [
    ...since,
    h('span', {}, 'Part: '),
    link('all', null),
    labels.map((part) => link(part.label === '' ? 'without label' : part.label, part.label)),
  ]
}

export function neverSeen(asn, label) {
  return h(
    'p',
    { class: 'card', hidden: true },
    h('strong', {}, `No handshake of AS${asn}${label ? ` with label ${label}` : ''} is stored. `),
    h('a', { href: '#/' }, 'All networks that are'),
  )
}

/** A link cannot bear a token: with one, the addresses are shown only. */
export function links({ asn, label, from }) {
  const own = { ...(label === null ? {} : { label }), from }
  const path = `/v1/networks/AS${asn}`
  const addresses = {
    Network: `${path}?${new URLSearchParams(own)}`,
    'Rate over time': `${path}/timeseries?${new URLSearchParams(own)}`,
    Causes: `${path}/causes?${new URLSearchParams(own)}`,
    'Causes over time': `${path}/causes/timeseries?${new URLSearchParams(own)}`,
    Prefixes: `${path}/prefixes?${new URLSearchParams(own)}`,
    'Failed handshakes': `/v1/connections?${new URLSearchParams({ asn, ...own, outcome: 'failed' })}`,
  }
  return h(
    'ul',
    { class: 'plain' },
    Object.entries(addresses).map(([name, address]) =>
      h(
        'li',
        {},
        `${name}: `,
        keptToken() !== null
          ? h('code', {}, address)
          : h('a', { href: address, 'data-key': `json-${name}` }, h('code', {}, address)),
      ),
    ),
  )
}

function silenceLink(asn, label) {
  const href = silenceAddress({ asn: `AS${asn}`, label: label ?? '' })
  return asn !== 0 && h('a', { href, 'data-key': 'silence' }, 'Silence its alerts')
}
