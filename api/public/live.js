const EVERY_MS = 10_000

/**
 * Calls `load` at once, on `refresh` and whenever there may be something new: every ten seconds while the page is seen,
 * and when it is seen again. A load under way is given up for the next one that is asked for.
 * @param {{ load: (signal: AbortSignal) => Promise<void>, onfail: (error: Error) => void, everyMs?: number }} options
 */
export function createLive({ load, onfail, everyMs = EVERY_MS }) {
  let running
  let waiting

  async function refresh() {
    clearTimeout(waiting)
    running?.abort()
    const current = new AbortController()
    running = current
    try {
      await load(current.signal)
    } catch (error) {
      if (!current.signal.aborted) onfail(error)
    }
    if (running !== current || current.signal.aborted) return
    running = undefined
    schedule()
  }

  function schedule() {
    clearTimeout(waiting)
    if (!document.hidden) waiting = setTimeout(refresh, everyMs)
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(waiting)
    else if (running === undefined) void refresh()
  })
  void refresh()
  return { refresh, everyMs }
}
