import { bar, h, table } from '../parts/dom.js'
import { number, percent, time } from '../parts/format.js'
import { HELLO_SIZES, POST_QUANTUM, STAGES } from '../parts/labels.js'

/** The funnel, and completion by what the ClientHello is, by site and by IP version. */
export function breakdowns({ stages, hello_sizes, post_quantum, sites, ip_versions }) {
  return h(
    'div',
    { class: 'grid' },
    block('Stages', funnel(stages), 'How many came at least so far, and how many failed there.'),
    block(
      'ClientHello size',
      completion('ClientHello', 'hello-sizes', hello_sizes, ({ hello_size }) => HELLO_SIZES[hello_size]),
    ),
    block(
      'Post-quantum key exchange',
      completion(
        'In the ClientHello',
        'post-quantum',
        post_quantum,
        ({ hello_post_quantum }) => POST_QUANTUM[hello_post_quantum],
      ),
    ),
    block(
      'Sites',
      completion('Site', 'sites', sites, ({ site }) => site || 'without name'),
    ),
    block(
      'IP versions',
      completion('IP version', 'ip-versions', ip_versions, ({ ip_version }) => `IPv${ip_version}`),
    ),
  )
}

function block(title, content, note = '') {
  return h('div', {}, h('h3', {}, title), note !== '' && h('p', { class: 'muted' }, note), content)
}

function funnel(stages) {
  const all = stages[0]?.reached ?? 0
  return table({
    caption: 'How far handshakes come',
    key: 'stages',
    columns: [
      { title: 'Stage', cell: ({ stage }) => STAGES[stage] },
      {
        title: 'Reached',
        number: true,
        cell: ({ reached }) =>
          h(
            'span',
            { class: 'rate' },
            h('span', {}, number(reached)),
            bar(all === 0 ? 0 : reached / all, 'good'),
          ),
      },
      {
        title: 'Failed here',
        number: true,
        cell: ({ failed }) => (failed === 0 ? '0' : h('span', { class: 'worse' }, number(failed))),
      },
    ],
    rows: stages,
  })
}

function completion(title, key, rows, nameOf) {
  if (rows.length === 0) return h('p', { class: 'muted' }, 'No handshake was completed or failed.')
  return table({
    caption: `Completion by ${title}`,
    key,
    columns: [
      { title, cell: nameOf },
      { title: 'Success rate', number: true, cell: ({ success_rate }) => rateCell(success_rate) },
      { title: 'Completed', number: true, cell: ({ completed }) => number(completed) },
      { title: 'Failed', number: true, cell: ({ failed }) => number(failed) },
    ],
    rows,
  })
}

function rateCell(rate) {
  return rate === null ? '–' : h('span', { class: 'rate' }, h('span', {}, percent(rate)), bar(rate))
}

/** Where in the network it fails, those with the most failures first. */
export function prefixTable(prefixes, about) {
  if (prefixes.length === 0) return h('p', { class: 'card' }, 'No handshake in this time.')
  return table({
    caption: 'Prefixes, those with the most failures first',
    key: 'prefixes',
    columns: [
      {
        title: 'Prefix',
        cell: ({ prefix, label }) => [h('code', {}, prefix || 'unknown'), label && ` ${label}`],
      },
      { title: 'Success rate', number: true, cell: ({ success_rate }) => rateCell(success_rate) },
      { title: 'Handshakes', number: true, cell: ({ handshakes }) => number(handshakes) },
      { title: 'Failed', number: true, cell: ({ failed }) => number(failed) },
      { title: 'Of all failures', number: true, cell: ({ failed_share }) => percent(failed_share) },
      { title: 'Clients that failed', number: true, cell: ({ failed_clients }) => number(failed_clients) },
      { title: 'Main cause', cell: (row) => mainCause(row, about) },
    ],
    rows: prefixes,
  })
}

function mainCause({ dominant_cause }, about) {
  if (dominant_cause === null) return '–'
  return h(
    'span',
    {},
    about(dominant_cause.cause).title,
    ' ',
    h('span', { class: 'muted' }, percent(dominant_cause.share, 0)),
  )
}

/** Single failed handshakes, the latest first, each with what the conclusion rests on. */
export function failedHandshakes(connections, about) {
  if (connections.length === 0)
    return h('p', { class: 'card' }, 'No failed handshake of this time is stored singly.')
  return table({
    caption: 'Latest failed handshakes',
    key: 'latest',
    columns: [
      { title: 'Time', cell: ({ decided_at }) => time(decided_at, { seconds: true }) },
      { title: 'Client', cell: clientCell },
      { title: 'Cause', cell: (row) => causeCell(row, about) },
      { title: 'Evidence', wide: true, cell: ({ evidence }) => h('span', { class: 'evidence' }, evidence) },
    ],
    rows: connections,
  })
}

function clientCell({ source_address, site, server_name }) {
  const where = [site && `at ${site}`, server_name && `for ${server_name}`].filter(Boolean).join(', ')
  return h('span', { class: 'lines' }, h('code', {}, source_address), h('span', { class: 'muted' }, where))
}

function causeCell({ cause, confidence, stage }, about) {
  return h(
    'span',
    { class: 'lines' },
    about(cause).title,
    h(
      'span',
      { class: 'muted' },
      `${confidence}; ${STAGES[stage].toLowerCase().replace('clienthello', 'ClientHello')}`,
    ),
  )
}
