import type { Registry } from 'prom-client'
import { Counter } from 'prom-client'
import { withDeadline } from '../core/runtime/lifecycle.ts'
import { Problem } from '../core/runtime/problem.ts'
import { type Store, StoreUnavailable } from '../core/store/store.ts'

export type Queries = Pick<Store, 'query'>
/** As far as the API writes: orders by hand. */
export type Inserts = Pick<Store, 'insert'>

export type Bounds = {
  /** Queries at a time: fewer than the store's readers, so that the detector is never kept waiting by the API. */
  running: number
  /** Queries that may wait for their turn; one more is refused. */
  waiting: number
  /** How long a query may run, in seconds. The engine ends it there. */
  seconds: number
  /** What the engine may take beyond its own limit before the answer no longer waits for it. */
  graceMs: number
}

export const DEFAULT_BOUNDS: Bounds = { running: 3, waiting: 60, seconds: 10, graceMs: 5_000 }
const LATE = 'the engine did not end the query in time'
const LATE_INSERT = 'the engine did not end the insert in time'
const RETRY_AFTER_SECONDS = '5'
/** ClickHouse TIMEOUT_EXCEEDED. Source: src/Common/ErrorCodes.cpp */
const TIMEOUT_EXCEEDED = '159'

/**
 * The store as requests may use it: so many queries at a time, so many waiting, each for so long.
 * Throws 503 problems where the store cannot answer. Queries must bear no SETTINGS of their own.
 */
export function createBoundedStore({
  store,
  registry,
  bounds = DEFAULT_BOUNDS,
}: {
  store: Queries & Inserts
  registry: Registry
  bounds?: Bounds
}): Queries & Inserts {
  const waiting: (() => void)[] = []
  let running = 0
  const refused = new Counter({
    name: 'halfshake_api_queries_refused_total',
    help: 'Queries of the API that the store did not answer, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  })

  return {
    async query<Row>(sql: string, parameters = {}): Promise<Row[]> {
      await turn()
      try {
        // In the statement: a setting given beside it would stay with the engine's session.
        const bounded = `${sql}\nSETTINGS max_execution_time = ${bounds.seconds}`
        const asked = store.query<Row>(bounded, parameters)
        return await withDeadline(asked, bounds.seconds * 1_000 + bounds.graceMs, LATE)
      } catch (error) {
        throw translate(error)
      } finally {
        running -= 1
        waiting.shift()?.()
      }
    },
    insert,
  }

  async function insert(table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
    try {
      await withDeadline(store.insert(table, rows), bounds.seconds * 1_000 + bounds.graceMs, LATE_INSERT)
    } catch (error) {
      throw error instanceof Error && error.message === LATE_INSERT
        ? unavailable('store', 'the store did not take it in time; it may have: read before you repeat it')
        : translate(error)
    }
  }

  async function turn(): Promise<void> {
    if (running >= bounds.running) {
      if (waiting.length >= bounds.waiting) throw unavailable('busy', 'too many queries are waiting')
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    running += 1
  }

  function translate(error: unknown): unknown {
    if (isTimeout(error)) {
      return unavailable('timeout', `the query took more than ${bounds.seconds} s; ask for a shorter window`)
    }
    if (error instanceof StoreUnavailable) return unavailable('store', 'the store cannot answer now')
    return error
  }

  function unavailable(reason: string, detail: string): Problem {
    refused.inc({ reason })
    return new Problem({
      status: 503,
      type: reason === 'timeout' ? 'query-timeout' : 'store-unavailable',
      title: reason === 'timeout' ? 'Query took too long' : 'Store cannot answer now',
      detail,
      headers: { 'Retry-After': RETRY_AFTER_SECONDS },
    })
  }
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.message === LATE) return true
  const { cause } = error
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === TIMEOUT_EXCEEDED
}
