import { bar, h } from './dom.js'
import { number, percent, points } from './format.js'
import { networkName } from './labels.js'
import { networkAddress } from './location.js'
import { sparkline } from './sparkline.js'

export const COLUMNS = [
  { title: 'Network', sort: 'asn', first: 'asc' },
  { title: 'Success rate', sort: 'success_rate', first: 'asc', number: true },
  { title: 'Course' },
  { title: 'Change', sort: 'divergence', number: true },
  { title: 'Own past', number: true },
  { title: 'Others', number: true },
  { title: 'Handshakes', sort: 'handshakes', number: true },
  { title: 'Failed', sort: 'failed', number: true },
  { title: 'Excess', sort: 'excess_failures', number: true },
  { title: 'Main cause' },
]
/** A change is marked from one percentage point below what is expected on, unless a handful of handshakes makes it. */
const MARKED = { divergence: 0.01, excess: 5 }

/** A network as a row, and what stands there when there is none. */
export function networkRow(item, about) {
  const { asn, label, divergence, dominant_cause, success_rate } = item
  const worse =
    divergence !== null && divergence >= MARKED.divergence && item.excess_failures >= MARKED.excess
  const address = networkAddress({ asn, label: label === '' ? null : label })
  const cells = [
    h('a', { href: address, 'data-key': `network-${asn}-${label}` }, networkName(item)),
    success_rate === null
      ? '–'
      : h(
          'span',
          { class: 'rate' },
          h('span', { class: worse && 'worse' }, percent(success_rate)),
          bar(success_rate),
        ),
    courseOf(item.trend),
    h('span', { class: worse && 'worse' }, points(divergence === null ? null : -divergence)),
    percent(item.baseline_success_rate),
    percent(item.world_success_rate),
    number(item.handshakes),
    number(item.failed),
    item.excess_failures === null ? '–' : number(Math.max(0, item.excess_failures)),
    dominant_cause === null
      ? '–'
      : [
          about(dominant_cause.cause).title,
          ' ',
          h('span', { class: 'muted' }, percent(dominant_cause.share, 0)),
        ],
  ]
  return h(
    'tr',
    {},
    cells.map((cell, i) => rowCell(cell, COLUMNS[i], i === 0)),
  )
}

/** On one scale for all, from 0 to 100 %, so that noise looks like noise. The last step is still filling up. */
function courseOf(trend) {
  const about = { name: 'Success rate in the window', width: 96, height: 28, least: 1 }
  return sparkline(trend.slice(0, -1), about) ?? '–'
}

function rowCell(cell, { title, number: isNumber }, first) {
  if (first) return h('th', { scope: 'row', class: 'wide' }, cell)
  return h('td', { class: isNumber && 'number', 'data-label': title }, h('span', {}, cell))
}

export function emptyRow({ search, min_handshakes, cause }) {
  const filtered = search !== '' || min_handshakes !== '' || cause !== ''
  return messageRow(filtered ? 'No network in this window meets this.' : 'No handshake in this window.')
}

export function messageRow(text) {
  return h('tr', {}, h('td', { class: 'wide muted', colspan: COLUMNS.length }, text))
}
