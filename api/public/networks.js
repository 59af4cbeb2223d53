import { read } from './client.js'
import { h, swap } from './dom.js'
import { failureCauses, readCatalogue } from './labels.js'
import { controls, headCells, offerCauses, sortSelect } from './networks-controls.js'
import { emptyRow, messageRow, networkRow } from './networks-rows.js'

const PAGE = 25
/** Of each network's course. */
const STEPS = 30

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
      const about = await readCatalogue()
      offerCauses(form, failureCauses())
      const { items, cursor } = await readPages(asked(), state, signal)
      swap(body, items.length === 0 ? emptyRow(asked()) : items.map((item) => networkRow(item, about)))
      more.hidden = cursor === null
      // A live region speaks when it changes: only what was asked for changes it.
      const { search, cause } = asked()
      const told =
        search === '' && cause === ''
          ? ''
          : `${items.length}${cursor === null ? '' : ' or more'} networks found`
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
    const answer = await read(
      '/v1/networks',
      { ...asked, sort, order, limit: PAGE, trend: STEPS, cursor },
      signal,
    )
    items.push(...answer.items)
    cursor = answer.next_cursor
  }
  return { items, cursor }
}

function note() {
  return h(
    'p',
    { class: 'muted note', id: 'networks-note' },
    'Success rate is completed / (completed + failed); its course through the window is drawn from 0 to 100 %. Change is in percentage points against what is to be expected: the lower of its own past 7 days and the rest of the world. Excess is how many failed beyond that. Network names, unless another database is configured: ',
    // Its licence, CC BY 4.0, asks for it.
    h('a', { href: 'https://db-ip.com', rel: 'noreferrer' }, 'IP Geolocation by DB-IP'),
    '.',
  )
}
