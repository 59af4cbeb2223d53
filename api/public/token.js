import { byId } from './dom.js'

const KEY = 'halfshake_token'

/** The token that is kept until the tab is closed; null when there is none. */
export function keptToken() {
  return sessionStorage.getItem(KEY)
}

/** Takes back what was given, or forgets it. */
export function keepToken(token) {
  if (token === null) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, token)
}

export function forgetToken() {
  keepToken(null)
  location.reload()
}

let asking

/**
 * Asks the reader for a token, once for all who want one. Resolves to whether one was given.
 * @param {{ scope: 'read' | 'admin', complaint: string }} about what it must allow, and what was wrong with the last one
 */
export function askForToken(about) {
  asking ??= ask(about).finally(() => {
    asking = undefined
  })
  return asking
}

function ask({ scope, complaint }) {
  const dialog = byId('token-dialog')
  const form = dialog.querySelector('form')
  const input = dialog.querySelector('input')
  const mayCancel = scope !== 'read'
  byId('token-title').textContent = mayCancel
    ? 'This changes something: it wants a token that may'
    : 'This server wants a token'
  byId('token-scope').textContent = scope
  byId('token-complaint').textContent = complaint
  byId('token-cancel').hidden = !mayCancel
  return new Promise((resolve) => {
    const end = (given) => {
      input.value = ''
      form.onsubmit = null
      dialog.close()
      resolve(given)
    }
    form.onsubmit = (event) => {
      event.preventDefault()
      const token = input.value.trim()
      if (token === '') return
      keepToken(token)
      end(true)
    }
    byId('token-cancel').onclick = () => end(false)
    dialog.oncancel = (event) => {
      event.preventDefault()
      // Without a token to read with there is nothing to show behind it.
      if (mayCancel) end(false)
    }
    dialog.showModal()
  })
}
