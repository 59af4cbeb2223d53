import { byId } from './dom.js'

const KEY = 'halfshake_token'

/** A request that the server refused: its problem document's sentence. */
export class Refused extends Error {
  constructor(message, status) {
    super(message)
    this.status = status
  }
}

/**
 * Reads the API. When it wants a token, the reader is asked for one; it is kept until the tab is closed.
 * @param {string} path may have a query of its own
 * @param {Record<string, string | number | undefined | null>} parameters those that are empty are left out
 * @param {AbortSignal} [signal]
 */
export async function read(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value))
  }
  const url = query.size === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
  for (;;) {
    const token = sessionStorage.getItem(KEY)
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(url, { headers, signal })
    if (response.ok) return response.json()
    const problem = await response.json().catch(() => ({}))
    if (response.status !== 401 && response.status !== 403) {
      throw new Refused(problem.detail ?? `the server answered ${response.status}`, response.status)
    }
    // Several requests may be refused for one missing token: it is asked for once.
    if (token === sessionStorage.getItem(KEY)) await askForToken(token === null ? '' : problem.detail)
  }
}

/** Whether a token is kept, and how to drop it. */
export function hasToken() {
  return sessionStorage.getItem(KEY) !== null
}

export function forgetToken() {
  sessionStorage.removeItem(KEY)
  location.reload()
}

let asking

/** Resolves when a token was given. */
function askForToken(complaint) {
  asking ??= new Promise((resolve) => {
    const dialog = byId('token-dialog')
    const form = dialog.querySelector('form')
    const input = dialog.querySelector('input')
    byId('token-complaint').textContent = complaint ?? ''
    const keep = (event) => {
      event.preventDefault()
      const token = input.value.trim()
      if (token === '') return
      sessionStorage.setItem(KEY, token)
      input.value = ''
      form.removeEventListener('submit', keep)
      dialog.close()
      asking = undefined
      resolve()
    }
    form.addEventListener('submit', keep)
    // Without a token there is nothing to show behind it.
    dialog.addEventListener('cancel', (event) => event.preventDefault())
    dialog.showModal()
  })
  return asking
}
