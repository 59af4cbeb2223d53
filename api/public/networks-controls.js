import { h } from './dom.js'
import { COLUMNS } from './networks-rows.js'

const RANGES = {
  '-15m': 'Last 15 minutes',
  '-1h': 'Last hour',
  '-6h': 'Last 6 hours',
  '-1d': 'Last day',
  '-7d': 'Last 7 days',
}
const WRITING_MS = 250

/** The form above the table of networks; `change` is called when it asks for something else. */
export function controls(select, change) {
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
    h('label', {}, 'Main cause', h('select', { name: 'cause' }, h('option', { value: '' }, 'Any'))),
    h('label', { class: 'narrow' }, 'Sort by', select),
  )
}

/** The causes to choose among, once they are known. */
export function offerCauses(form, causes) {
  const select = form.elements.namedItem('cause')
  if (select.length > 1) return
  select.append(...causes.map(({ cause, title }) => h('option', { value: cause }, title)))
}

/** On a narrow screen the table has no head to sort by. */
export function sortSelect(state, change) {
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

/** The head of the table, by which it is sorted. */
export function headCells(state, change) {
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
