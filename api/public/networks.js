import { read } from './client.js'
import { byId, h } from './dom.js'
import { networkDetails } from './network-details.js'

const COLUMNS = [
  { title: 'Network', sort: 'asn' },
  { title: 'Handshakes', sort: 'handshakes', number: true },
  { title: 'Failed', sort: 'failed', number: true },
  { title: 'Success rate', sort: 'success_rate', number: true },
  { title: 'Own past', number: true },
  { title: 'Others', number: true },
  { title: 'Excess failures', sort: 'excess_failures', number: true },
  { title: 'Main cause' },
  { title: 'Time p95', number: true },
]
const PAGE = 50
const WRITING_MS = 300

/** The table of networks with its controls: `load` reads it, `onchange` is called when it should be read anew. */
export function createNetworksTable({ onchange }) {
  const state = { sort: 'excess_failures', order: 'desc', pages: 1, open: openFromHash(), reveal: true }
  const controls = byId('controls')
  const body = byId('networks-body')
  const sortBy = (sort, order) => {
    Object.assign(state, { sort, order, pages: 1 })
    showHead(state, sortBy)
    onchange()
  }
  showHead(state, sortBy)
  showSortSelect(state, sortBy)
  let writing
  controls.addEventListener('input', (event) => {
    if (event.target === byId('sort')) return
    clearTimeout(writing)
    writing = setTimeout(() => {
      state.pages = 1
      onchange()
    }, WRITING_MS)
  })
  controls.addEventListener('submit', (event) => event.preventDefault())
  byId('more').addEventListener('click', () => {
    state.pages += 1
    onchange()
  })
  addEventListener('hashchange', () => {
    state.open = openFromHash()
    state.reveal = true
    onchange()
  })
  return {
    async load(signal) {
      const asked = Object.fromEntries(new FormData(controls))
      const items = []
      let cursor
      for (let page = 0; page < state.pages && cursor !== null; page += 1) {
        const { sort, order } = state
        const answer = await read('/v1/networks', { ...asked, sort, order, limit: PAGE, cursor }, signal)
        items.push(...answer.items)
        cursor = answer.next_cursor
      }
      const details = await openDetails(items, state, asked, signal)
      showRows(body, items, details)
      if (state.reveal) body.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: 'center' })
      state.reveal = false
      byId('more').hidden = cursor === null
    },
    clear(text) {
      body.replaceChildren(messageRow(text))
      byId('more').hidden = true
    },
  }
}

/** The network whose details are open is in the address, so that it can be sent to someone. */
function openFromHash() {
  return /^#as\d+/.test(location.hash) ? decodeURIComponent(location.hash.slice(1)) : null
}

/** A network in the address: as64500, or as64500/Office for the part with a label. */
export function keyOf({ asn, label }) {
  return label === '' ? `as${asn}` : `as${asn}/${label}`
}

/** The open network's details; when it is not on the pages read so far, it is put first. */
async function openDetails(items, { open }, { from }, signal) {
  if (open === null) return null
  const isOpen = (item) => keyOf(item) === open
  let item = items.find(isOpen)
  if (item === undefined) {
    const asn = /^as(\d+)/.exec(open)[1]
    item = (await read('/v1/networks', { asn, from }, signal)).items.find(isOpen)
    if (item === undefined) return null
    items.unshift(item)
  }
  return { key: open, element: await networkDetails(item, from, signal) }
}

/** On a narrow screen the table has no head to sort by. */
function showSortSelect(state, sortBy) {
  const options = COLUMNS.filter(({ sort }) => sort !== undefined).map(({ title, sort }) =>
    h('option', { value: sort, selected: sort === state.sort }, title),
  )
  const select = byId('sort')
  select.replaceChildren(...options)
  select.addEventListener('change', () =>
    sortBy(select.value, select.value === 'success_rate' ? 'asc' : 'desc'),
  )
}

function showHead(state, sortBy) {
  byId('networks-head').replaceChildren(
    ...COLUMNS.map(({ title, sort, number }) => {
      const sorted = sort === state.sort ? (state.order === 'asc' ? 'ascending' : 'descending') : null
      const arrow = sorted === null ? '' : state.order === 'asc' ? ' ▲' : ' ▼'
      const choose = () => {
        sortBy(sort, sorted === 'descending' ? 'asc' : 'desc')
        byId('networks-head').querySelector(`[data-sort="${sort}"]`)?.focus()
      }
      return h(
        'th',
        { scope: 'col', class: number && 'number', 'aria-sort': sorted },
        sort === undefined
          ? title
          : h('button', { type: 'button', 'data-sort': sort, onclick: choose }, title + arrow),
      )
    }),
  )
}

function showRows(body, items, details) {
  const focused = document.activeElement?.getAttribute('data-key')
  const rows = items.flatMap((item) => {
    const open = details?.key === keyOf(item)
    const row = networkRow(item, open, () => {
      location.hash = open ? '' : encodeURI(keyOf(item))
    })
    return open
      ? [row, h('tr', {}, h('td', { class: 'wide', colspan: COLUMNS.length }, details.element))]
      : [row]
  })
  body.replaceChildren(...(rows.length === 0 ? [messageRow('No network in this window meets this.')] : rows))
  if (focused) body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
}

function networkRow(item, open, toggle) {
  const { asn, network, label, handshakes, failed, success_rate, divergence } = item
  const name = [asn === 0 ? 'Unknown network' : `AS${asn}`, network, label && `(${label})`]
    .filter(Boolean)
    .join(' ')
  const button = h(
    'button',
    {
      type: 'button',
      class: 'name',
      'aria-expanded': open ? 'true' : 'false',
      'data-key': keyOf(item),
      onclick: toggle,
    },
    name,
  )
  const cells = [
    button,
    handshakes.toLocaleString(),
    failed.toLocaleString(),
    rateCell(success_rate, divergence),
    percent(item.baseline_success_rate),
    percent(item.world_success_rate),
    item.excess_failures === null ? '–' : Math.max(0, Math.round(item.excess_failures)).toLocaleString(),
    item.dominant_cause === null
      ? '–'
      : `${item.dominant_cause.cause} ${percent(item.dominant_cause.share, 0)}`,
    item.handshake_ms.p95 === null ? '–' : `${Math.round(item.handshake_ms.p95)} ms`,
  ]
  return h(
    'tr',
    {},
    cells.map((cell, i) => {
      const { title, number } = COLUMNS[i]
      return h(
        'td',
        { class: i === 0 ? 'wide' : number && 'number', 'data-label': i === 0 ? null : title },
        cell,
      )
    }),
  )
}

function rateCell(rate, divergence) {
  if (rate === null) return '–'
  const done = h('i')
  // Set on the object: the page's policy allows no style attributes.
  done.style.width = `${rate * 100}%`
  const worse = divergence !== null && divergence > 0.01
  return h(
    'span',
    { class: 'rate' },
    h('span', { class: worse && 'worse' }, percent(rate)),
    h('span', { class: 'bar', 'aria-hidden': 'true' }, done),
  )
}

export function percent(share, digits = 1) {
  return share === null ? '–' : `${(share * 100).toFixed(digits)}\u00a0%`
}

function messageRow(text) {
  return h('tr', {}, h('td', { class: 'wide muted', colspan: COLUMNS.length }, text))
}
