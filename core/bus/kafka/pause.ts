/** Waits `ms`, or less when the signal is aborted. Never throws. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

const DELAYS_MS = [100, 300, 1_000, 3_000] as const

/** How long to wait after the attempt of this number, from 0; longer each time, at most three seconds. */
export function backOff(attempt: number): number {
  return DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0
}
