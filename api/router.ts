import { type Request, type RequestHandler, Router } from 'express'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { Problem } from '../core/runtime/problem.ts'
import { type Authorize, requireScope } from '../core/runtime/tokens.ts'
import { createTurns } from '../core/runtime/turns.ts'
import { jsonBody } from './body.ts'
import { type Bounds, createBoundedStore, type Inserts, type Queries } from './bounded-store.ts'
import { createChangeStream, type ListeningLimits } from './change-stream.ts'
import { sendJson } from './compression.ts'
import { buildOpenApi } from './openapi.ts'
import { createPages } from './pages.ts'
import type { Context, Route } from './route.ts'
import { changeEvent, EVENTS_PATH, listenToChanges } from './routes/divergence-events.ts'
import { ROUTES } from './routes/index.ts'
import { DAY } from './window.ts'

/** The router, and those who listen to it, to be stopped before the server that serves it. */
export type ApiRouter = Router & { readonly listeners: Component }

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
  listening,
}: {
  store: Queries & Inserts
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
  listening?: ListeningLimits
}): ApiRouter {
  const router = Router({ strict: true })
  const bounded = createBoundedStore({ store, registry, ...(bounds && { bounds }) })
  const context: Context = {
    store: bounded,
    clock: () => ({ now: now(), minutesKeptFrom: now() - minutesKeptMs }),
    inTurn: createTurns(1),
  }
  const listeners = createChangeStream({
    store: bounded,
    registry,
    log,
    format: changeEvent,
    ...(listening && { limits: listening }),
  })
  const measure = createMeter(registry)
  // Before the incidents, one of which would else be asked for by the name of events.
  const read = requireScope(authorize, 'read')
  router.get(EVENTS_PATH, read, listenToChanges({ store: bounded, stream: listeners }))
  router.all(EVENTS_PATH, only('GET, HEAD'))
  for (const routes of byPath(ROUTES)) mount(router, routes, { context, authorize, measure, log })
  const document = buildOpenApi(ROUTES, version)
  router.get('/v1/openapi.json', (_request, response) => {
    response.set('Cache-Control', 'no-cache').json(document)
  })
  router.all('/v1/openapi.json', only('GET, HEAD'))
  router.use(createPages())
  return Object.assign(router, { listeners })
}

type Tools = {
  context: Context
  authorize: Authorize
  measure: (route: string) => RequestHandler
  log: Logger
}

/** Routes of one path, one for each method; and the refusal of every other. */
function mount(router: Router, routes: readonly Route[], tools: Tools): void {
  for (const route of routes) {
    const guards = [tools.measure(route.path), requireScope(tools.authorize, route.scope)]
    if (route.method === 'get') router.get(route.path, ...guards, answerOf(route, tools))
    else router.post(route.path, ...guards, jsonBody(), answerOf(route, tools))
  }
  const allowed = routes.map(({ method }) => (method === 'get' ? 'GET, HEAD' : 'POST'))
  router.all(routes[0]?.path ?? '', only(allowed.join(', ')))
}

function answerOf(route: Route, { context, log }: Tools): RequestHandler {
  return async (request, response) => {
    const started = performance.now()
    const { path, query } = request
    const answered = await route.run(askedOf(request), context)
    response.status(route.status ?? 200).set('Cache-Control', 'no-store')
    await sendJson(request, response, answered)
    log.debug({ path, query, ms: Math.round(performance.now() - started) }, 'answered')
  }
}

/** In the order of their first routes. */
function byPath(routes: readonly Route[]): Route[][] {
  const paths = [...new Set(routes.map(({ path }) => path))]
  return paths.map((path) => routes.filter((route) => route.path === path))
}

function askedOf({ path, params, query, body }: Request): Parameters<Route['run']>[0] {
  return { path, params, query, body }
}

/** Refuses every other method. */
function only(allowed: string): RequestHandler {
  const verbs = [
    ...(allowed.includes('GET') ? ['read with GET'] : []),
    ...(allowed.includes('POST') ? ['asked with POST'] : []),
  ]
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.set('Allow', allowed).status(204).end()
      return
    }
    throw new Problem({
      status: 405,
      type: 'method-not-allowed',
      title: 'Method not allowed',
      detail: `${request.path} is ${verbs.join(' and ')}, not ${request.method}`,
      headers: { Allow: allowed },
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
