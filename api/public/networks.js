import { read } from './client.js'
import { bar, h, swap } from './dom.js'
import { number, percent, points } from './format.js'
import { networkName, readCatalogue } from './labels.js'
import { networkAddress } from './location.js'

const COLUMNS = [
  { title: 'Network', sort: 'asn', first: 'asc' },
  { title: 'Success rate', sort: 'success_rate', first: 'asc', number: true },
  { title: 'Change', sort: 'divergence', number: true },
  { title: 'Own past', number: true },
  { title: 'Others', number: true },
  { title: 'Handshakes', sort: 'handshakes', number: true },
  { title: 'Failed', sort: 'failed', number: true },
  { title: 'Excess', sort: 'excess_failures', number: true },
  { title: 'Main cause' },
]
const RANGES = {
  '-15m': 'Last 15 minutes',
  '-1h': 'Last hour',
  '-6h': 'Last 6 hours',
  '-1d': 'Last day',
  '-7d': 'Last 7 days',
}
const PAGE = 25
const WRITING_MS = 250
/** A change is marked from one percentage point below what is expected on, unless a handful of handshakes makes it. */
const MARKED = { divergence: 0.01, excess: 5 }

/** The table of networks with its controls: `load` reads it, `onchange` is called when it should be read anew. */
export function createNetworksTable({ onchange }) {
  const state = { sort: 'excess_failures', order: 'desc', pages: 1 }
  const asked = () => Object.fromEntries(new FormData(form))
  const change = (changes) => {
    Object.assign(state, { pages: 1 }, changes)
    swap(head, headCells(state, change))
    select.value = state.sort
    void onchange()
  }
  const select = sortSelect(state, change)
  const form = controls(select, change)
  const head = h('tr', {}, headCells(state, change))
  const body = h('tbody', {}, messageRow('Loading…'))
  const more = h(
    'button',
    { type: 'button', hidden: true, onclick: () => change({ pages: state.pages + 1 }) },
    'Show more networks',
  )
  const count = h('p', { class: 'unseen', role: 'status' })
  return {
    element: h(
      'div',
      {},
      form,
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of networks' },
        h(
          'table',
          { class: 'cards compact networks', 'aria-describedby': 'networks-note' },
          h('thead', {}, head),
          body,
        ),
      ),
      count,
      note(),
      h('p', {}, more),
    ),
    async load(signal) {
      const about = await readCatalogue(signal)
      const { items, cursor } = await readPages(asked(), state, signal)
      swap(body, items.length === 0 ? emptyRow(asked()) : items.map((item) => networkRow(item, about)))
      more.hidden = cursor === null
      // A live region speaks when it changes: only what was asked for changes it.
      const told =
        asked().search === '' ? '' : `${items.length}${cursor === null ? '' : ' or more'} networks found`
      if (count.textContent !== told) count.textContent = told
    },
    fail() {
      swap(body, messageRow('Not known.'))
      more.hidden = true
    },
  }
}

/** So many pages as are open, read anew. */
async function readPages(asked, { sort, order, pages }, signal) {
  const items = []
  let cursor
  for (let page = 0; page < pages && cursor !== null; page += 1) {
    const answer = await read('/v1/networks', { ...asked, sort, order, limit: PAGE, cursor }, signal)
    items.push(...answer.items)
    cursor = answer.next_cursor
  }
  return { items, cursor }
}

function controls(select, change) {
  let writing
  const oninput = ({ target }) => {
    if (target === select) return
    clearTimeout(writing)
    writing = setTimeout(() => change({}), WRITING_MS)
  }
  return h(
    'form',
    { class: 'controls', oninput, onsubmit: (event) => event.preventDefault() },
    h(
      'label',
      { class: 'search' },
      'AS number, name, label, address or prefix',
      h('input', {
        name: 'search',
        type: 'search',
        maxlength: 100,
        autocomplete: 'off',
        spellcheck: 'false',
      }),
    ),
    h(
      'label',
      {},
      'Window',
      h(
        'select',
        { name: 'from' },
        Object.entries(RANGES).map(([value, title]) =>
          h('option', { value, selected: value === '-1h' }, title),
        ),
      ),
    ),
    h(
      'label',
      {},
      'At least so many handshakes',
      h('input', { name: 'min_handshakes', type: 'number', min: 0, step: 1, inputmode: 'numeric' }),
    ),
    h('label', { class: 'narrow' }, 'Sort by', select),
  )
}

/** On a narrow screen the table has no head to sort by. */
function sortSelect(state, change) {
  const sortable = COLUMNS.filter(({ sort }) => sort !== undefined)
  const options = sortable.map(({ title, sort }) =>
    h('option', { value: sort, selected: sort === state.sort }, title),
  )
  const onchange = ({ target }) => change(sortBy(sortable.find(({ sort }) => sort === target.value)))
  return h('select', { onchange }, options)
}

/** The direction that shows the worst first. */
function sortBy({ sort, first = 'desc' }) {
  return { sort, order: first }
}

function headCells(state, change) {
  return COLUMNS.map((column) => {
    const { title, sort, number: isNumber } = column
    if (sort === undefined) return h('th', { scope: 'col', class: isNumber && 'number' }, title)
    const sorted = sort === state.sort
    const turned = { sort, order: state.order === 'asc' ? 'desc' : 'asc' }
    return h(
      'th',
      {
        scope: 'col',
        class: isNumber && 'number',
        'aria-sort': sorted ? (state.order === 'asc' ? 'ascending' : 'descending') : null,
      },
      h(
        'button',
        {
          type: 'button',
          'data-key': `sort-${sort}`,
          onclick: () => change(sorted ? turned : sortBy(column)),
        },
        title,
        h(
          'span',
          { class: 'arrow', 'aria-hidden': 'true' },
          sorted ? (state.order === 'asc' ? '▲' : '▼') : '',
        ),
      ),
    )
  })
}

function networkRow(item, about) {
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

function rowCell(cell, { title, number: isNumber }, first) {
  if (first) return h('th', { scope: 'row', class: 'wide' }, cell)
  return h('td', { class: isNumber && 'number', 'data-label': title }, h('span', {}, cell))
}

function emptyRow({ search, min_handshakes }) {
  const filtered = search !== '' || min_handshakes !== ''
  return messageRow(filtered ? 'No network in this window meets this.' : 'No handshake in this window.')
}

function messageRow(text) {
  return h('tr', {}, h('td', { class: 'wide muted', colspan: COLUMNS.length }, text))
}

function note() {
  return h(
    'p',
    { class: 'muted note', id: 'networks-note' },
    'Success rate is completed / (completed + failed). Change is in percentage points against what is to be expected: the lower of its own past 7 days and the rest of the world. Excess is how many failed beyond that. Network names, unless another database is configured: ',
    // Its licence, CC BY 4.0, asks for it.
    h('a', { href: 'https://db-ip.com', rel: 'noreferrer' }, 'IP Geolocation by DB-IP'),
    '.',
  )
}
