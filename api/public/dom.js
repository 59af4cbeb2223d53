/**
 * An element with attributes and children. Text becomes text, never markup: names come from outside.
 * @param {string} name
 * @param {Record<string, unknown>} attributes `class`, `onclick` and so on; null and false are left out
 * @param {...(Node | string | number | null | undefined | false | unknown[])} children
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  const shown = children.flat(3).filter((child) => child !== null && child !== undefined && child !== false)
  element.append(...shown.map((child) => (child instanceof Node ? child : String(child))))
  return element
}

/** A part of the page with a heading of its own, to which the focus can be moved. */
export function section(id, title, ...children) {
  return h('section', { 'aria-labelledby': id }, h('h2', { id, tabindex: '-1' }, title), children)
}

/** Text between backticks as code. */
export function withCode(text = '') {
  return text.split('`').map((part, i) => (i % 2 === 1 ? h('code', {}, part) : part))
}

/** The element with this id; the page has it. */
export function byId(id) {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no #${id}`)
  return element
}

/**
 * Puts new children into a container without taking anything from the reader: what has the focus keeps it, what was
 * opened stays open and what was scrolled stays there, by `data-key`.
 */
export function swap(container, ...children) {
  const focused = container.contains(document.activeElement) ? keyOf(document.activeElement) : undefined
  const open = new Map(
    [...container.querySelectorAll('details[data-key]')].map((one) => [keyOf(one), one.open]),
  )
  const scrolled = new Map(
    [...container.querySelectorAll('.scroll[data-key]')].map((one) => [keyOf(one), one.scrollLeft]),
  )
  container.replaceChildren(...h('div', {}, ...children).childNodes)
  for (const details of container.querySelectorAll('details[data-key]')) {
    details.open = open.get(keyOf(details)) ?? details.open
  }
  for (const box of container.querySelectorAll('.scroll[data-key]'))
    box.scrollLeft = scrolled.get(keyOf(box)) ?? 0
  if (focused !== undefined) container.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
}

function keyOf(element) {
  return element.getAttribute('data-key') ?? undefined
}

/**
 * A table from columns and rows.
 * @param {{ caption: string, key: string, columns: { title: string, number?: boolean, cell: (row: unknown) => unknown }[], rows: unknown[] }} options
 *   the first column names the row; `wide` cells take a line of their own on a narrow screen
 */
export function table({ caption, key, columns, rows }) {
  return h(
    'div',
    // What scrolls must be reachable by keyboard.
    { class: 'scroll', 'data-key': key, tabindex: '0', role: 'region', 'aria-label': `Table: ${caption}` },
    h(
      'table',
      { class: 'cards compact' },
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map(({ title, number }) => h('th', { scope: 'col', class: number && 'number' }, title)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            columns.map((column, i) => tableCell(column, row, i === 0)),
          ),
        ),
      ),
    ),
  )
}

function tableCell({ title, number, wide, cell }, row, first) {
  const attributes = {
    class: first || wide ? 'wide' : number && 'number',
    'data-label': first ? null : title,
  }
  return first ? h('th', { scope: 'row', class: 'wide' }, cell(row)) : h('td', attributes, cell(row))
}

/** A bar that shows a share; what it says must stand beside it as text. */
export function bar(share, kind = 'good') {
  const done = h('i', { class: kind })
  // Set on the object: the page's policy allows no style attributes.
  done.style.width = `${Math.min(1, Math.max(0, share)) * 100}%`
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, done)
}
