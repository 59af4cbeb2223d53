import { hasToken, read } from './client.js'
import { h, withCode } from './dom.js'

const PREFIXES = 5

/** Why a network fails: its causes with what to do, its worst prefixes, and where to read on. */
export async function networkDetails({ asn, label }, from, signal) {
  const path = `/v1/networks/AS${asn}`
  // A label can be empty, which is not the same as none.
  const below = (part) => `${path}/${part}?${new URLSearchParams({ label, from })}`
  const [causes, prefixes] = await Promise.all([
    read(below('causes'), {}, signal),
    read(`${below('prefixes')}&limit=${PREFIXES}`, {}, signal),
  ])
  const failing = prefixes.items.filter(({ failed }) => failed > 0)
  return h(
    'div',
    {},
    causes.items.length === 0 && h('p', {}, 'No handshake failed in this window.'),
    causes.items.slice(0, 3).map(causeParts),
    failing.length > 0 && h('h3', {}, 'Where'),
    failing.length > 0 && h('ul', {}, failing.map(prefixLine)),
    // A link cannot bear a token.
    !hasToken() &&
      h(
        'p',
        { class: 'facts' },
        h('span', {}, 'As JSON:'),
        h('a', { href: `${path}?${new URLSearchParams({ label, from })}` }, 'network'),
        ['timeseries', 'prefixes', 'causes'].map((part) => h('a', { href: below(part) }, part)),
        h(
          'a',
          { href: `/v1/connections?${new URLSearchParams({ asn, label, from, outcome: 'failed' })}` },
          'failed handshakes',
        ),
      ),
  )
}

function causeParts({ cause, title, meaning, advice, share, handshakes, clients, example }) {
  return [
    h('h3', {}, `${(share * 100).toFixed(0)}\u00a0% ${title} `, h('code', {}, cause)),
    h('p', {}, withCode(meaning)),
    h('p', {}, h('strong', {}, 'What to do: '), withCode(advice)),
    h(
      'p',
      { class: 'facts' },
      h('span', {}, `${handshakes.toLocaleString()} handshakes of ${clients.toLocaleString()} clients`),
      example !== null && h('span', {}, `Latest: ${example.evidence}`),
    ),
  ]
}

function prefixLine({ prefix, failed, completed, failed_clients }) {
  return h(
    'li',
    {},
    h('code', {}, prefix),
    ` ${failed.toLocaleString()} of ${(failed + completed).toLocaleString()} failed, ${failed_clients} clients`,
  )
}
