import { listen, Refused } from './client.js'
import { createEventParser } from './event-parser.js'

/** After a break it is tried again so soon, unless the server says otherwise; twice as long with each failure. */
const AGAIN_MS = 3_000
const LONGEST_MS = 60_000
/** A connection that held so long was a good one. */
const STEADY_MS = 10_000
/** The server says something every 15 seconds: after such a silence nobody is at the other end. */
const SILENCE_MS = 40_000

/**
 * Listens to a stream of server-sent events while the page is seen, and comes again when it breaks, from the last event
 * on. Read by hand, since EventSource cannot bear a token.
 * @param {{ onopen: () => void, onevent: (data: unknown) => void, onclose: () => void }} handlers
 *   `onopen` when it begins anew, so that what changed before must be read
 */
export function createEvents({ onopen, onevent, onclose }) {
  let path = null
  let last
  let current
  let waiting
  let failures = 0
  let againMs = AGAIN_MS

  async function connect() {
    clearTimeout(waiting)
    current?.abort()
    const own = new AbortController()
    current = own
    const began = performance.now()
    try {
      await receive(own)
    } catch (error) {
      // An id of a store that is gone: from now on, then.
      if (error instanceof Refused && error.status === 400) last = undefined
    }
    own.abort()
    if (current !== own) return
    current = undefined
    onclose()
    failures = performance.now() - began < STEADY_MS ? failures + 1 : 0
    waiting = setTimeout(connect, delay())
  }

  /** Spread, so that not all who lost one server come at once. */
  function delay() {
    return Math.min(LONGEST_MS, againMs * 2 ** Math.max(0, failures - 1)) * (0.75 + Math.random() / 2)
  }

  async function receive(own) {
    const headers = { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) }
    const response = await listen(path, { headers, signal: own.signal })
    const parse = createEventParser()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    onopen()
    for (;;) {
      const silence = setTimeout(() => own.abort(), SILENCE_MS)
      const { done, value } = await reader.read().finally(() => clearTimeout(silence))
      if (done || current !== own) return
      for (const event of parse(value)) take(event)
    }
  }

  function take({ id, data, retry }) {
    if (id !== undefined) last = id
    if (/^\d{1,6}$/.test(retry)) againMs = Number(retry)
    if (data !== undefined) onevent(JSON.parse(data))
  }

  function pause() {
    clearTimeout(waiting)
    current?.abort()
    current = undefined
  }

  document.addEventListener('visibilitychange', () => {
    if (path === null) return
    if (document.hidden) pause()
    else void connect()
  })
  return {
    /** Listens to this path from now on, or with null to nothing. */
    listenTo(asked) {
      path = asked
      last = undefined
      failures = 0
      pause()
      if (path !== null && !document.hidden) void connect()
    },
  }
}
