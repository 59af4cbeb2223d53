import type { Logger } from '../core/runtime/log.ts'
import type { Store } from '../core/store/store.ts'

/** What kept rules from being evaluated: one that is named, or all of them where `rule` is ''. */
export type EvaluationError = {
  /** ms since 1970. */
  at: number
  /** The first minute that was not evaluated, seconds since 1970. */
  minute: number
  rule: string
  error: string
}

/** Keeps errors until the store takes them: the store itself may be what is down. */
export type ErrorLog = {
  note(error: Omit<EvaluationError, 'at'>): void
  /** Writes what is noted. Never throws: what cannot be written is kept for the next time. */
  flush(): Promise<void>
}

/** The same error again is noted so often, ms: rounds come every few seconds. */
const SAME_AGAIN_MS = 60_000
/** Of more than so many the oldest are forgotten. */
const MOST_KEPT = 1_000
const LONGEST_ERROR = 2_000

export function createErrorLog({
  store,
  clock,
  log,
}: {
  store: Pick<Store, 'insert'>
  /** ms since 1970. */
  clock: () => number
  log: Pick<Logger, 'warn'>
}): ErrorLog {
  let waiting: EvaluationError[] = []
  let last: EvaluationError | undefined
  return {
    note({ minute, rule, error }) {
      const noted = { at: clock(), minute, rule, error: error.slice(0, LONGEST_ERROR) }
      const same = last !== undefined && last.rule === rule && last.error === noted.error
      if (same && noted.at - (last?.at ?? 0) < SAME_AGAIN_MS) return
      last = noted
      waiting = [...waiting.slice(1 - MOST_KEPT), noted]
    },
    async flush() {
      if (waiting.length === 0) return
      const taken = waiting
      try {
        await store.insert('evaluation_errors', taken.map(rowOf))
        waiting = waiting.filter((error) => !taken.includes(error))
      } catch (error) {
        log.warn({ error: String(error), waiting: taken.length }, 'evaluation errors could not be stored yet')
      }
    },
  }
}

function rowOf(error: EvaluationError): Record<string, unknown> {
  return { ...error, at: new Date(error.at).toISOString().replace('T', ' ').replace('Z', '') }
}
