import { h } from './dom.js'
import { keyOf } from './networks.js'

/** An open incident as a card: the sentence first, then what it rests on. */
export function incidentCard(incident) {
  const { explanation, scope, kind, asn, onset, failing_clients, prefixes, odds, cause } = incident
  return h(
    'article',
    { class: 'card bad' },
    h('h3', {}, explanation === '' ? titleOf(incident) : explanation),
    h(
      'p',
      { class: 'facts' },
      h('span', {}, 'Since ', h('time', { datetime: onset }, new Date(onset).toLocaleString())),
      kind === 'divergence' && h('span', {}, `${failing_clients} failing clients`),
      cause !== '' && h('span', {}, 'Cause ', h('code', {}, cause)),
      scope === 'network' && prefixes.length > 0 && h('span', {}, `Worst prefix ${prefixes[0]}`),
      odds !== '' && h('span', {}, odds),
      asn > 0 && h('a', { href: `#${encodeURI(keyOf(incident))}` }, 'Why'),
    ),
  )
}

function titleOf({ scope, members, asn, label, prefix, failure_rate }) {
  const name =
    scope === 'prefix'
      ? prefix
      : scope === 'world'
        ? 'All networks'
        : scope === 'networks'
          ? `${members.length} networks`
          : `AS${asn} ${label}`.trim()
  return `${name}: ${(failure_rate * 100).toFixed(0)} % of handshakes fail`
}
