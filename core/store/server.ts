import { setTimeout as pause } from 'node:timers/promises'
import { type ClickHouseClient, createClient } from '@clickhouse/client'
import type { Check } from '../runtime/health.ts'
import type { Component } from '../runtime/lifecycle.ts'
import type { Logger } from '../runtime/log.ts'
import { forCluster, localTable } from './cluster.ts'
import { classify, codeBehind } from './errors.ts'
import { migrate } from './migrate.ts'
import { applyRetention, type Retention } from './retention.ts'
import { advise, type Place } from './server-advice.ts'
import { writeBlock } from './server-write.ts'
import { type QueryParameters, type Store, StoreRefused, StoreUnavailable } from './store.ts'
import { readStructures } from './structures.ts'

export type ServerStoreOptions = {
  /** http://host:8123 or https://host:8443 */
  url: string
  user: string
  password: string
  database: string
  /** For https: the authority to trust, and a client certificate, all as PEM. */
  tls?: { ca: Buffer; cert?: Buffer; key?: Buffer }
  /** Name of the cluster, as the server's remote_servers has it; see cluster.ts. */
  cluster?: string
  retention: Retention
  log: Logger
  /** How long one request may take, in milliseconds. */
  requestTimeoutMs?: number
}

export type ServerStore = Store & Component & { readonly check: Check }

const UNKNOWN_DATABASE = 81
const RETRY_MS = [500, 1_000, 2_000, 5_000] as const
/** As the embedded engine answers, so that callers need not know which one it is. */
const READ_SETTINGS = { output_format_json_quote_64bit_integers: 0, max_execution_time: 60 } as const
/** A statement has been carried out, and its error if any is the answer's status, when the answer comes. */
const WRITE_SETTINGS = { async_insert: 0, wait_end_of_query: 1 } as const

/**
 * A ClickHouse server, or a cluster of them, over HTTP; also another process's embedded engine (`halfshake store`).
 * `start` waits for a server that is not there yet, until `stop`; `check` says what it waits for.
 * Throws StoreUnavailable when the same call may succeed later, StoreRefused with what to do when it will not.
 */
export function createServerStore(options: ServerStoreOptions): ServerStore {
  const { url, user, database, cluster, retention, log } = options
  const place: Place = { url, user, database, cluster }
  const stopping = new AbortController()
  let client: ClickHouseClient | undefined
  let problem: string | undefined = `the store at ${url} has not been reached yet`

  const open = () => client ?? notOpen()
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      const answer = await classify(call)
      problem = undefined
      return answer
    } catch (error) {
      const known = advise(error, place)
      if (known instanceof Error) problem = `the store at ${url}: ${known.message}`
      throw known
    }
  }
  const store: ServerStore = {
    name: 'store',
    check: {
      name: 'store',
      check: () => (problem === undefined ? { ready: true } : { ready: false, reason: problem }),
    },
    async start() {
      client = connect(options, database)
      await whenThere(() => prepare())
    },
    async stop() {
      stopping.abort()
      await client?.close()
    },
    query<Row>(sql: string, parameters: QueryParameters = {}) {
      return ask(async () => {
        const result = await open().query({
          query: sql,
          query_params: parameters,
          format: 'JSONEachRow',
          clickhouse_settings: READ_SETTINGS,
        })
        return result.json<Row>()
      })
    },
    async command(sql, parameters = {}) {
      await ask(() =>
        open().command({ query: sql, query_params: parameters, clickhouse_settings: WRITE_SETTINGS }),
      )
    },
    async insert(table, rows) {
      await ask(() =>
        open().insert({
          table,
          values: [...rows],
          format: 'JSONEachRow',
          clickhouse_settings: WRITE_SETTINGS,
        }),
      )
    },
    async write(block, { token } = {}) {
      if (token === undefined) throw new Error('a block for a ClickHouse server needs a token')
      await ask(() => writeBlock(open(), block, { token, distributed: cluster !== undefined }))
    },
  }
  return store

  async function prepare(): Promise<void> {
    await ensureDatabase()
    const migrated =
      cluster === undefined
        ? store
        : {
            query: store.query,
            insert: store.insert,
            async command(sql: string) {
              for (const statement of forCluster(sql.trim(), { name: cluster }))
                await store.command(statement)
            },
          }
    await migrate(migrated, { log })
    await applyRetention(migrated, retention, cluster === undefined ? undefined : localTable)
    await readStructures(store)
  }

  async function ensureDatabase(): Promise<void> {
    try {
      await store.query('SELECT 1')
    } catch (error) {
      if (!(error instanceof StoreRefused) || deepestCode(error) !== UNKNOWN_DATABASE) throw error
      const bootstrap = connect(options, 'default')
      const on = cluster === undefined ? '' : ` ON CLUSTER '${cluster.replaceAll("'", "\\'")}'`
      const quoted = `\`${database.replaceAll('`', '\\`')}\``
      await ask(() => bootstrap.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted}${on}` })).finally(
        () => bootstrap.close(),
      )
    }
  }

  async function whenThere(attempt: () => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await attempt()
        return
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        const wait = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 0
        log.warn({ url, error: error.message, retry_in_ms: wait }, 'waiting for the store')
        await pause(wait, undefined, { signal: stopping.signal }).catch(() => {
          throw new StoreUnavailable(`stopped while waiting for the store at ${url}`, { cause: error })
        })
      }
    }
  }
}

function connect(
  { url, user, password, tls, requestTimeoutMs = 60_000 }: ServerStoreOptions,
  database: string,
): ClickHouseClient {
  return createClient({
    url,
    username: user,
    password,
    database,
    request_timeout: requestTimeoutMs,
    application: 'halfshake',
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
    // Errors reach the caller, who logs them; the client's own lines would be a second copy.
    log: { level: 127 },
  })
}

function tlsOf({ ca, cert, key }: NonNullable<ServerStoreOptions['tls']>) {
  return cert === undefined || key === undefined ? { ca_cert: ca } : { ca_cert: ca, cert, key }
}

/** The code under the advice that was put over it. */
function deepestCode(error: StoreRefused): number {
  const own = codeBehind(error)
  return Number.isNaN(own) && error.cause instanceof StoreRefused ? deepestCode(error.cause) : own
}

function notOpen(): never {
  throw new StoreUnavailable('the store is not open yet')
}
