const EVERY_MS = 10_000
/** What comes in a burst is read once. Spread, as every open page is told at the same moment. */
const SOON_MS = { least: 150, spread: 350 }

/**
 * Calls `load` at once, on `refresh` and whenever there may be something new: every ten seconds while the page is seen,
 * and when it is seen again. A load under way is given up for one that is asked for by `refresh`; `soon` waits for it
 * and then `load` need not read all, but only what can have changed.
 * @param {{ load: (signal: AbortSignal, what: { all: boolean }) => Promise<void>, onfail: (error: Error) => void, everyMs?: number }} options
 */
export function createLive({ load, onfail, everyMs = EVERY_MS }) {
  let running
  let waiting
  let isSoon = false
  let dueAt = 0

  function refresh() {
    return run({ soon: false })
  }

  async function run({ soon }) {
    clearTimeout(waiting)
    isSoon = false
    // News upon news are no reason never to read the rest.
    const all = !soon || performance.now() >= dueAt
    if (all) dueAt = performance.now() + everyMs
    running?.abort()
    const current = new AbortController()
    running = current
    try {
      await load(current.signal, { all })
    } catch (error) {
      if (!current.signal.aborted) onfail(error)
    }
    if (running !== current || current.signal.aborted) return
    running = undefined
    schedule()
  }

  function schedule() {
    clearTimeout(waiting)
    if (document.hidden) return
    const inMs = isSoon ? SOON_MS.least + Math.random() * SOON_MS.spread : everyMs
    waiting = setTimeout(run, inMs, { soon: isSoon })
  }

  function soon() {
    if (isSoon) return
    isSoon = true
    if (running === undefined) schedule()
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(waiting)
    else if (running === undefined) void refresh()
  })
  void refresh()
  return { refresh, soon, everyMs }
}
