import { askForToken, keepToken, keptToken } from './token.js'

/** A request that the server refused: its problem document's sentence. */
export class Refused extends Error {
  constructor(message, status) {
    super(message)
    this.status = status
  }
}

/**
 * Reads the API.
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
  const response = await request(url, { signal })
  return response.json()
}

/** Sends the body as JSON, which mostly changes something: a token that may only read is said to be so, and another asked for. */
export async function send(path, body, { scope = 'admin' } = {}) {
  const headers = { 'content-type': 'application/json' }
  const response = await request(path, { method: 'POST', headers, body: JSON.stringify(body) }, scope)
  return response.json()
}

/** The response of a stream, to be read as it comes. */
export function listen(path, { headers, signal }) {
  return request(path, { headers, signal })
}

/**
 * Throws what the server refuses. When it wants a token, or another one, the reader is asked for it; who changes
 * something may think better of it, and keeps the token of before.
 */
async function request(url, { headers = {}, ...options }, scope = 'read') {
  const before = keptToken()
  for (;;) {
    const token = keptToken()
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(url, { ...options, headers: { ...headers, ...authorization } })
    if (response.ok) return response
    const refused = await refusalOf(response)
    if (response.status !== 401 && response.status !== 403) throw refused
    // Several requests may be refused for one missing token: it is asked for once.
    if (token !== keptToken()) continue
    if (!(await askForToken({ scope, complaint: token === null ? '' : told(refused, scope) }))) {
      keepToken(before)
      throw refused
    }
  }
}

async function refusalOf(response) {
  const problem = await response.json().catch(() => ({}))
  return new Refused(problem.detail ?? `the server answered ${response.status}`, response.status)
}

function told({ message, status }, scope) {
  return status === 403 && scope === 'admin'
    ? `The token you gave may read, but not change anything: ${message}.`
    : `The server says: ${message}.`
}
