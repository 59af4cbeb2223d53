import { type ConnectionEvent, serializeEvents } from '../../core/event/index.ts'

/** Gathers events until there are enough for a batch, or the first has waited long enough. */
export type Collector = {
  add(event: ConnectionEvent): void
  /** Hands over what there is. */
  flush(): void
  /** From now on events do not wait: the process is about to end. */
  hurry(): void
  /** Events not handed over yet. */
  readonly events: number
}

export type CollectorParts = {
  limits: { events: number; delay: number }
  /** Takes lines of NDJSON, each ended. */
  take: (lines: string, events: number) => void
}

const HURRY_MS = 20

export function createCollector({ limits, take }: CollectorParts): Collector {
  let delay = limits.delay
  let lines = ''
  let events = 0
  let timer: NodeJS.Timeout | undefined

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (events === 0) return
    const [full, count] = [lines, events]
    lines = ''
    events = 0
    take(full, count)
  }

  return {
    add(event) {
      lines += serializeEvents([event])
      events += 1
      if (events >= limits.events) flush()
      else timer ??= setTimeout(flush, delay).unref()
    },
    flush,
    hurry() {
      delay = HURRY_MS
      flush()
    },
    get events() {
      return events
    },
  }
}
