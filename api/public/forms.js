import { Refused } from './client.js'
import { h } from './dom.js'

const AUTHOR_KEY = 'halfshake_author'

/**
 * A form that sends what is written in it and says what came of it, in the server's words where it refuses. What is
 * written stays until it is taken.
 * @param {{ fields: Node[], button: string, submit: (values: Record<string, string>) => Promise<string> }} options
 *   `submit` resolves to the sentence that is told; `messages` are to stand where they are seen when the form is gone
 */
export function createForm({ fields, button, submit }) {
  const send = h('button', { type: 'submit', class: 'main' }, button)
  // Both are there from the start: a screen reader speaks what changes in them.
  const told = h('p', { class: 'told', role: 'status', tabindex: '-1' })
  const refused = h('p', { class: 'told worse', role: 'alert', tabindex: '-1' })
  const messages = [refused, told]
  const form = h('form', { class: 'action', onsubmit }, fields, h('p', { class: 'buttons' }, send))

  async function onsubmit(event) {
    event.preventDefault()
    if (send.getAttribute('aria-disabled') === 'true') return
    send.setAttribute('aria-disabled', 'true')
    told.textContent = ''
    refused.textContent = ''
    const values = Object.fromEntries(new FormData(form))
    try {
      told.textContent = await submit(values)
      remember(values.author)
      form.reset()
      for (const other of document.forms) fillAuthor(other)
    } catch (error) {
      refused.textContent = refusal(error)
    }
    send.removeAttribute('aria-disabled')
    // A form that has done its work may be gone, and the focus with it.
    if (form.offsetParent === null) messages.find(({ textContent }) => textContent !== '')?.focus()
  }

  fillAuthor(form)
  return { form, messages }
}

function refusal(error) {
  if (!(error instanceof Refused)) return 'The server cannot be reached: nothing was sent. Try again.'
  const { message, status } = error
  if (status === 401 || status === 403) return `Nothing was changed: ${message}.`
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}

/** Who it is, remembered in this browser. */
export function authorField() {
  return textField({ name: 'author', label: 'Your name', max: 128, autocomplete: 'name' })
}

export function textField({ name, label, max, required = true, autocomplete = 'off', rows }) {
  const attributes = { name, maxlength: max, required, autocomplete }
  const input =
    rows === undefined ? h('input', { type: 'text', ...attributes }) : h('textarea', { rows, ...attributes })
  return h('label', { class: rows !== undefined && 'wide' }, label, input)
}

function remember(author) {
  if (author !== undefined) localStorage.setItem(AUTHOR_KEY, author)
}

function fillAuthor(form) {
  const input = form.elements.namedItem('author')
  if (input !== null && input.value === '') input.value = localStorage.getItem(AUTHOR_KEY) ?? ''
}

/** @param {{ name: string, label: string, options: Record<string, string> }} about value to title */
export function selectField({ name, label, options }) {
  const choices = Object.entries(options).map(([value, title]) => h('option', { value }, title))
  return h('label', {}, label, h('select', { name }, choices))
}
