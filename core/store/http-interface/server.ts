import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { Counter, Gauge } from 'prom-client'
import type { Check } from '../../runtime/health.ts'
import { ListenFailed } from '../../runtime/http-server.ts'
import type { Component } from '../../runtime/lifecycle.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Engine } from '../engine/engine.ts'
import { createAnswer, sendFault } from './answer.ts'
import { fault, faultOf, faultText } from './fault.ts'
import { readParameters } from './parameters.ts'
import { createPipes } from './pipes.ts'
import { createPlaces } from './places.ts'
import { readRequest } from './request.ts'
import { createRunner, type Limits, type Runner } from './run.ts'
import { type Access, createAuthenticate, type StoreUser } from './users.ts'

export type HttpLimits = Limits & {
  /** Queries at the same time; each occupies one of libuv's threads. */
  concurrent: number
  /** Requests that may wait for a place, and for how long, in milliseconds. */
  waiting: number
  waitMs: number
  /** Longest statement, and most data of an INSERT, in bytes after decompression. */
  maxStatement: number
  maxData: number
}

export const DEFAULT_LIMITS: HttpLimits = {
  maxSeconds: 300,
  maxMemory: 2e9,
  maxHeldResult: 64e6,
  concurrent: 8,
  waiting: 100,
  waitMs: 10_000,
  maxStatement: 262_144,
  maxData: 256e6,
}

/**
 * Of a request's URL and headers, in bytes: clients put queries and parameters there. Node allows 16 kB, a ClickHouse
 * server a URL of 1 MiB (`http_max_uri_size`).
 */
const MAX_HEAD = 1_048_576

export type ClickHouseHttpServer = Component & {
  /** Where it listens, once started: http://127.0.0.1:8123 */
  url(): string
  readonly check: Check
}

/**
 * Answers the ClickHouse HTTP interface for the embedded engine, as far as one engine in one process can; what it
 * cannot honour is refused by name. Source: https://clickhouse.com/docs/interfaces/http
 * Without users, `default` may change everything and `reader` may read, without passwords, on loopback only.
 */
export function createClickHouseHttpServer({
  engine,
  users,
  host,
  port,
  log,
  registry,
  limits: given = {},
}: {
  /** The store's engine; asked for at the start, when the store has been started. */
  engine: () => Engine
  users: readonly StoreUser[]
  host: string
  port: number
  log: Logger
  registry: Registry
  limits?: Partial<HttpLimits>
}): ClickHouseHttpServer {
  const limits = { ...DEFAULT_LIMITS, ...given }
  const authenticate = createAuthenticate(users)
  const places = createPlaces({ total: limits.concurrent, line: limits.waiting, waitMs: limits.waitMs })
  const metrics = createMetrics(registry, places.running)
  const inFlight = new Set<AbortController>()
  let server: Server | undefined
  let runner: Runner | undefined
  let version = ''

  return {
    name: 'store-http',
    check: {
      name: 'store',
      check: () =>
        server?.listening === true
          ? { ready: true }
          : { ready: false, reason: 'the store does not answer queries yet' },
    },
    async start() {
      if (users.length === 0 && !isLoopback(host)) {
        throw new ListenFailed(
          `the store's HTTP interface listens on ${host}, which others can reach, but there are no users: add some under store.users, or listen on 127.0.0.1`,
        )
      }
      const open = engine()
      version = await versionOf(open)
      const pipes = await createPipes(open.scratch, limits.concurrent)
      runner = await createRunner({ engine: open, pipes, limits })
      server = createServer({
        headersTimeout: 10_000,
        requestTimeout: 300_000,
        keepAliveTimeout: 10_000,
        maxHeaderSize: MAX_HEAD,
      })
      server.on('request', (request, response) => void handle(request, response))
      await listen(server, host, port)
    },
    async stop() {
      const closing = server
      if (closing !== undefined) {
        const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
        closing.closeIdleConnections()
        const giveUp = setTimeout(() => {
          for (const one of inFlight) one.abort()
          closing.closeAllConnections()
        }, 5_000)
        await closed
        clearTimeout(giveUp)
      }
      runner?.close()
    },
    url() {
      const bound = server?.address()
      if (typeof bound !== 'object' || bound === null) throw new Error('the HTTP interface is not listening')
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let access: Access | 'nobody' = 'nobody'
    try {
      const url = new URL(request.url ?? '/', 'http://localhost')
      if (answerWithoutQuery(request, response, url)) return
      access = authenticate(request.headers, url.searchParams)
      await answerQuery(request, response, url.searchParams, access)
      metrics.requests.inc({ access, outcome: 'answered' })
    } catch (error) {
      const known = faultOf(error)
      metrics.requests.inc({ access, outcome: response.destroyed ? 'cancelled' : 'refused' })
      metrics.faults.inc({ reason: known.type.toLowerCase() })
      if (known.code === 1001) log.error({ error: String(known.cause) }, 'a query failed')
      if (!response.headersSent && !response.destroyed) sendFault(response, known, faultText(known, version))
      // What is left of a body that was refused is not waited for.
      if (!request.complete) response.once('finish', () => request.socket.destroySoon())
    }
  }

  async function answerQuery(
    request: IncomingMessage,
    response: ServerResponse,
    url: URLSearchParams,
    access: Access,
  ): Promise<void> {
    const asked = readParameters(url, request.headers, access)
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    const leave = await places.take(access)
    inFlight.add(gone)
    const answer = createAnswer({
      request,
      response,
      compress: asked.compress,
      queryId: asked.queryId,
      version,
    })
    try {
      const { statement, writeRows } = await readRequest(request, asked.query, limits)
      const readonly = request.method !== 'POST'
      await runner?.run({ statement, asked, access, readonly, writeRows, answer, signal: gone.signal })
    } catch (error) {
      await answer.fail(faultOf(error))
      throw error
    } finally {
      leave()
      inFlight.delete(gone)
    }
  }
}

/** What is answered to anybody, as ClickHouse does. */
function answerWithoutQuery(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
  const { method = '' } = request
  if (!['GET', 'HEAD', 'POST'].includes(method)) {
    throw fault.notImplemented(`${method} is not answered: GET reads, POST does everything`)
  }
  const root = url.pathname === '/'
  if (!root && url.pathname !== '/ping') {
    response.statusCode = 404
    response.end(
      `There is no handle ${url.pathname}\n\nUse / or /ping for health checks, and /?query= or POST / for queries.\n`,
    )
    return true
  }
  if (root && (method === 'POST' || url.searchParams.has('query'))) return false
  response.setHeader('Content-Type', 'text/html; charset=UTF-8')
  response.end('Ok.\n')
  return true
}

function createMetrics(registry: Registry, running: () => number) {
  new Gauge({
    name: 'halfshake_store_http_queries_running',
    help: "Queries that the store's HTTP interface runs now.",
    registers: [registry],
    collect() {
      this.set(running())
    },
  })
  return {
    requests: new Counter({
      name: 'halfshake_store_http_requests_total',
      help: "Requests to the store's HTTP interface, by who asked and how it ended.",
      labelNames: ['access', 'outcome'],
      registers: [registry],
    }),
    faults: new Counter({
      name: 'halfshake_store_http_errors_total',
      help: "Errors that the store's HTTP interface answered, by ClickHouse's name for them.",
      labelNames: ['reason'],
      registers: [registry],
    }),
  }
}

async function versionOf(engine: Engine): Promise<string> {
  const session = await engine.session('engine')
  try {
    return (await session.queryAsync('SELECT version()', { format: 'TabSeparated' })).text().trim()
  } finally {
    session.close()
  }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.')
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      const message = taken
        ? `port ${port} on ${host} is taken by another process; stop it or choose another with store.listen`
        : `cannot listen on ${host}:${port}: ${error.message}`
      reject(new ListenFailed(message, { cause: error }))
    })
    server.listen({ host, port }, () => resolve())
  })
}
