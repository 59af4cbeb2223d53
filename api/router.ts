import { type Request, type RequestHandler, Router } from 'express'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { RuleBook } from '../alerts/rule-book.ts'
import { rulesFileJsonSchema } from '../alerts/rule-json-schema.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { Problem } from '../core/runtime/problem.ts'
import { type Authorize, requireScope } from '../core/runtime/tokens.ts'
import { createTurns } from '../core/runtime/turns.ts'
import { jsonBody } from './body.ts'
import { type Bounds, createBoundedStore, type Inserts, type Queries } from './bounded-store.ts'
import {
  type ChangeSource,
  createChangeStream,
  DEFAULT_LISTENING,
  type ListeningLimits,
} from './change-stream.ts'
import { sendJson } from './compression.ts'
import { listenTo } from './event-stream.ts'
import { createListenerMetrics } from './listener-metrics.ts'
import { buildOpenApi } from './openapi.ts'
import { createPages } from './pages.ts'
import { lastAlertChange } from './queries/alert-changes.ts'
import { lastSequence } from './queries/changes.ts'
import type { Context, Route } from './route.ts'
import { ALERT_EVENTS_PATH, alertChanges } from './routes/alert-events.ts'
import { BACKTEST_PATH, type BacktestSettings, backtestRules, LARGEST_BACKTEST } from './routes/backtest.ts'
import { EVENTS_PATH, incidentChanges } from './routes/divergence-events.ts'
import { ROUTES } from './routes/index.ts'
import { RULE_SCHEMA_PATH } from './routes/rules.ts'
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
  rules,
  backtest,
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
  rules: RuleBook
  backtest: BacktestSettings
}): ApiRouter {
  const router = Router({ strict: true })
  const bounded = createBoundedStore({ store, registry, ...(bounds && { bounds }) })
  const context: Context = {
    store: bounded,
    clock: () => ({ now: now(), minutesKeptFrom: now() - minutesKeptMs }),
    inTurn: createTurns(1),
    rules,
  }
  const metrics = createListenerMetrics(registry)
  const streamOf = (source: ChangeSource) =>
    createChangeStream({ source, metrics, log, ...(listening && { limits: listening }) })
  const incidents = streamOf(incidentChanges(bounded))
  const alerts = streamOf(alertChanges(bounded))
  const measure = createMeter(registry)
  const read = requireScope(authorize, 'read')
  // Before routes with an id in their place, which one of these names would else be taken for.
  router.get(EVENTS_PATH, read, listenTo({ last: () => lastSequence(bounded), stream: incidents }))
  router.all(EVENTS_PATH, only('GET, HEAD'))
  router.get(ALERT_EVENTS_PATH, read, listenTo({ last: () => lastAlertChange(bounded), stream: alerts }))
  router.all(ALERT_EVENTS_PATH, only('GET, HEAD'))
  const { slowMs } = listening ?? DEFAULT_LISTENING
  const test = backtestRules({ store: bounded, rules, now, settings: backtest, log, slowMs })
  router.post(BACKTEST_PATH, measure(BACKTEST_PATH), read, jsonBody(LARGEST_BACKTEST), test)
  router.all(BACKTEST_PATH, only('POST'))
  serveDocument(router, RULE_SCHEMA_PATH, rulesFileJsonSchema(), 'application/schema+json')
  for (const routes of byPath(ROUTES)) mount(router, routes, { context, authorize, measure, log })
  serveDocument(router, '/v1/openapi.json', buildOpenApi(ROUTES, version), 'application/json')
  router.use(createPages())
  return Object.assign(router, { listeners: together([incidents, alerts]) })
}

/** What changes with the program only, for everybody. */
function serveDocument(router: Router, path: string, document: object, type: string): void {
  router.get(path, (_request, response) => {
    response.set('Cache-Control', 'no-cache').type(type).send(JSON.stringify(document))
  })
  router.all(path, only('GET, HEAD'))
}

function together(streams: readonly Component[]): Component {
  const each = async (use: (stream: Component) => Promise<void>) => {
    await Promise.all(streams.map(use))
  }
  return { name: 'listeners', start: () => each((one) => one.start()), stop: () => each((one) => one.stop()) }
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
    const bodies = route.body === undefined ? [] : [jsonBody(route.body.largest)]
    const guards = [tools.measure(route.path), requireScope(tools.authorize, route.scope), ...bodies]
    router[route.method](route.path, ...guards, answerOf(route, tools))
  }
  const allowed = routes.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()))
  router.all(routes[0]?.path ?? '', only(allowed.join(', ')))
}

function answerOf(route: Route, { context, log }: Tools): RequestHandler {
  return async (request, response) => {
    const started = performance.now()
    const { path, query } = request
    const { body, status = route.status ?? 200, headers = {} } = await route.run(askedOf(request), context)
    response.status(status).set({ 'Cache-Control': 'no-store', ...headers })
    if (status === 204) response.end()
    else await sendJson(request, response, body)
    log.debug({ path, query, ms: Math.round(performance.now() - started) }, 'answered')
  }
}

/** In the order of their first routes. */
function byPath(routes: readonly Route[]): Route[][] {
  const paths = [...new Set(routes.map(({ path }) => path))]
  return paths.map((path) => routes.filter((route) => route.path === path))
}

function askedOf(request: Request): Parameters<Route['run']>[0] {
  const { path, params, query, body } = request
  const conditions = { ifMatch: request.get('If-Match'), ifNoneMatch: request.get('If-None-Match') }
  return { path, params, query, body, conditions }
}

/** Refuses every other method. */
function only(allowed: string): RequestHandler {
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.set('Allow', allowed).status(204).end()
      return
    }
    throw new Problem({
      status: 405,
      type: 'method-not-allowed',
      title: 'Method not allowed',
      detail: `${request.path} takes ${allowed}, not ${request.method}`,
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
