import { type RequestHandler, Router } from 'express'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Logger } from '../core/runtime/log.ts'
import { Problem } from '../core/runtime/problem.ts'
import { type Authorize, requireScope } from '../core/runtime/tokens.ts'
import { type Bounds, createBoundedStore, type Queries } from './bounded-store.ts'
import { sendJson } from './compression.ts'
import { buildOpenApi } from './openapi.ts'
import { createPages } from './pages.ts'
import type { Context, Route } from './route.ts'
import { ROUTES } from './routes/index.ts'
import { DAY } from './window.ts'

/**
 * The HTTP API under /v1, its OpenAPI document at /v1/openapi.json, and the pages at / and /docs.
 * Answers are JSON; errors are problem documents (RFC 9457), thrown for `problemHandler` to send.
 */
export function createApiRouter({
  store,
  authorize,
  log,
  registry,
  now,
  version,
  minutesKeptMs = 30 * DAY,
  bounds,
}: {
  store: Queries
  authorize: Authorize
  log: Logger
  registry: Registry
  /** The time, in ms since 1970. */
  now: () => number
  /** The program's version, for the OpenAPI document. */
  version: string
  /** How long rollups by minute are kept (`store.retention_minutes`). */
  minutesKeptMs?: number
  bounds?: Bounds
}): Router {
  const router = Router({ strict: true })
  const context: Context = {
    store: createBoundedStore({ store, registry, ...(bounds && { bounds }) }),
    clock: () => ({ now: now(), minutesKeptFrom: now() - minutesKeptMs }),
  }
  const measure = createMeter(registry)
  for (const route of ROUTES) mount(router, route, { context, authorize, measure, log })
  const document = buildOpenApi(ROUTES, version)
  router.get('/v1/openapi.json', (_request, response) => {
    response.set('Cache-Control', 'no-cache').json(document)
  })
  router.all('/v1/openapi.json', onlyGet())
  router.use(createPages())
  return router
}

type Tools = {
  context: Context
  authorize: Authorize
  measure: (route: string) => RequestHandler
  log: Logger
}

function mount(router: Router, route: Route, { context, authorize, measure, log }: Tools): void {
  router.get(
    route.path,
    measure(route.path),
    requireScope(authorize, route.scope),
    async (request, response) => {
      const started = performance.now()
      const { path, params, query } = request
      const answer = await route.run({ path, params, query }, context)
      response.set('Cache-Control', 'no-store')
      await sendJson(request, response, answer)
      log.debug({ path, query, ms: Math.round(performance.now() - started) }, 'answered')
    },
  )
  router.all(route.path, onlyGet())
}

function onlyGet(): RequestHandler {
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.set('Allow', 'GET, HEAD').status(204).end()
      return
    }
    throw new Problem({
      status: 405,
      type: 'method-not-allowed',
      title: 'Method not allowed',
      detail: `${request.path} is read with GET, not ${request.method}`,
      headers: { Allow: 'GET, HEAD' },
    })
  }
}

function createMeter(registry: Registry): (route: string) => RequestHandler {
  const requests = new Counter({
    name: 'halfshake_api_requests_total',
    help: 'Requests to the API, by route and status.',
    labelNames: ['route', 'status'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'halfshake_api_request_seconds',
    help: 'Time from request to answer, by route.',
    labelNames: ['route'],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  })
  return (route) => (_request, response, next) => {
    const stop = seconds.startTimer({ route })
    response.on('finish', () => {
      stop()
      requests.inc({ route, status: response.statusCode })
    })
    next()
  }
}
