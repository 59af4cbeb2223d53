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
