import type { Check } from '../../runtime/health.ts'
import type { Logger } from '../../runtime/log.ts'

/** Whether a part of the bus can do its work, and why not: said once when it changes, and shown by /readyz. */
export type Readiness = {
  check: Check
  ready(): void
  unready(reason: string): void
  /** Why it is not ready; undefined when it is. */
  reason(): string | undefined
}

export function createReadiness({
  name,
  first,
  log,
}: {
  name: string
  /** Why it is not ready before anything was tried; without it, it is ready until something fails. */
  first?: string
  log: Logger
}): Readiness {
  let reason = first
  let said: string | undefined
  return {
    reason: () => reason,
    check: {
      name,
      check: () => (reason === undefined ? { ready: true } : { ready: false, reason }),
    },
    ready() {
      if (said !== undefined) log.info({ part: name }, 'ready again')
      reason = undefined
      said = undefined
    },
    unready(why) {
      if (why !== said) log.warn({ part: name, reason: why }, 'not ready')
      reason = why
      said = why
    },
  }
}
