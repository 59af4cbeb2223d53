/**
 * Runs `task` again and again, `everyMs` after its last end, without keeping the process alive.
 * `stop` resolves once no run is under way. The task must not throw.
 */
export function createRepeater(
  task: () => Promise<void>,
  everyMs: number,
): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  const schedule = () => {
    timer = setTimeout(() => {
      running = task().finally(() => {
        if (!stopped) schedule()
      })
    }, everyMs)
    timer.unref()
  }
  return {
    start: schedule,
    stop() {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
