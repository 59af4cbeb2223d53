import { z } from 'zod'
import { alertChangesOperation, changesOperation } from './openapi-changes.ts'
import { eventsOperation } from './openapi-events.ts'
import { problemAnswer, problemSchemas } from './openapi-problems.ts'
import { backtestOperation, ruleSchemaOperation } from './openapi-rules.ts'
import type { Route } from './route.ts'
import { ALERT_EVENTS_PATH, alertChangeSchema } from './routes/alert-events.ts'
import { BACKTEST_PATH } from './routes/backtest.ts'
import { changeSchema } from './routes/change.ts'
import { EVENTS_PATH } from './routes/divergence-events.ts'
import { RULE_SCHEMA_PATH } from './routes/rules.ts'

type Json = Record<string, unknown>

const TAGS = [
  [
    'Divergences',
    'Networks that fail more than they used to and more than the others, as the detector found them.',
  ],
  ['Alerts', 'What rules found, whom it was about, and who was told.'],
  ['Rules', 'What is watched, and what it would have found.'],
  ['Silences', 'What people ordered not to be told, and until when.'],
  ['Networks', 'Every network: totals, comparison, time series, prefixes, causes.'],
  ['Connections', 'Single handshakes.'],
  ['Causes', 'Why handshakes fail, and what to do about it.'],
  ['Operations', 'The pipeline itself.'],
  ['Agents', 'Where agents send what they saw.'],
] as const

/** The OpenAPI 3.1 document of these routes, made from the schemas that validate their requests and type their answers. */
export function buildOpenApi(routes: readonly Route[], version: string): Json {
  const schemas: Json = { ...problemSchemas() }
  const paths: Json = {}
  for (const route of routes) {
    const path = openApiPath(route.path)
    paths[path] = { ...(paths[path] as Json), [route.method]: operation(route, schemas) }
  }
  paths[EVENTS_PATH] = { get: changesOperation(hoist(changeSchema, schemas)) }
  paths[ALERT_EVENTS_PATH] = { get: alertChangesOperation(hoist(alertChangeSchema, schemas)) }
  paths[BACKTEST_PATH] = { post: backtestOperation(schemas) }
  paths[RULE_SCHEMA_PATH] = { get: ruleSchemaOperation() }
  paths['/v1/events'] = { post: eventsOperation(schemas) }
  paths['/v1/openapi.json'] = { get: ownOperation() }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Halfshake',
      version,
      summary: 'Which networks cannot finish a TLS handshake with you, and why.',
      description:
        'All times in answers are ISO 8601 in UTC. Success rate is completed / (completed + failed): noise and unknown are counted beside it. Errors are problem documents (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token made with `halfshake token create`, with the scope named at each operation; `admin` includes all. Not needed where no tokens are configured.',
        },
      },
    },
  }
}

/** /v1/networks/:asn as OpenAPI has it: /v1/networks/{asn} */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

function operation(route: Route, schemas: Json): Json {
  return {
    operationId: operationId(route.method, route.path),
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    security: [{ token: [route.scope] }],
    parameters: [
      ...parameters(route.pathParameters, 'path'),
      ...parameters(route.query, 'query'),
      ...conditionsOf(route),
    ],
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: route.body.schema } } },
    }),
    responses: {
      ...successOf(route, schemas),
      400:
        route.body === undefined
          ? problemAnswer('Parameters that are not allowed; all mistakes at once.', 'BadParameters')
          : problemAnswer('A body that is not allowed; all mistakes at once.', 'BadBody'),
      401: problemAnswer('No token, or an unknown one.'),
      403: problemAnswer(`The token lacks the scope ${route.scope}.`),
      ...(route.notFound !== undefined && { 404: problemAnswer(route.notFound) }),
      ...(route.conflict !== undefined && { 409: problemAnswer(route.conflict) }),
      ...(route.conditions !== undefined && {
        412: problemAnswer('It was changed since it was read, or made; read it again.'),
        428: problemAnswer(`${route.conditions.map(({ header }) => header).join(' or ')} is missing.`),
      }),
      ...(route.body !== undefined && {
        413: problemAnswer('The body is too large.'),
        415: problemAnswer('The body is not application/json.'),
      }),
      503: problemAnswer('The store cannot answer now, or the query took too long; see Retry-After.'),
    },
  }
}

function successOf({ status = 200, answer, summary, makes, answerHeaders }: Route, schemas: Json): Json {
  if (status === 204) return { 204: { description: summary } }
  const success = {
    ...(answerHeaders !== undefined && { headers: headersOf(answerHeaders) }),
    content: { 'application/json': { schema: hoist(answer, schemas) } },
  }
  const description = answer.meta()?.description ?? summary
  return {
    [status]: { description, ...success },
    ...(makes !== undefined && { 201: { description: makes, ...success } }),
  }
}

function headersOf(headers: NonNullable<Route['answerHeaders']>): Json {
  const entries = Object.entries(headers)
  return Object.fromEntries(
    entries.map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  )
}

function conditionsOf({ conditions = [] }: Route): Json[] {
  return conditions.map(({ header: name, description }) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }))
}

function parameters(schema: z.ZodObject, where: 'path' | 'query'): Json[] {
  return Object.entries(schema.shape).map(([name, parameter]) => {
    const { $schema: _, description, examples, ...rest } = toJson(parameter as z.ZodType)
    const required = where === 'path' || !parameter.safeParse(undefined).success
    return {
      name,
      in: where,
      required,
      ...(description !== undefined && { description }),
      schema: { ...rest, ...(examples !== undefined && { examples }) },
    }
  })
}

/** A schema as a reference: it and the named schemas inside it go into `schemas`. */
export function hoist(schema: z.ZodType, schemas: Json): Json {
  const { $schema: _, $defs = {}, ...own } = relink(toJson(schema))
  for (const [id, { id: _id, ...definition }] of Object.entries($defs as Record<string, Json>)) {
    schemas[id] = definition
  }
  const { id, ...definition } = own
  if (typeof id !== 'string') return own
  schemas[id] = definition
  return { $ref: `#/components/schemas/${id}` }
}

function toJson(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })
}

function relink(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
}

/** /v1/networks/:asn/causes becomes getNetworksByAsnCauses. */
function operationId(method: Route['method'], path: string): string {
  const words = path
    .split('/')
    .slice(2)
    .flatMap((part) => (part.startsWith(':') ? ['by', part.slice(1)] : part.split('-')))
  return `${method}${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
}

function ownOperation(): Json {
  return {
    operationId: 'getOpenApi',
    tags: ['Operations'],
    summary: 'This document',
    description: 'The API as OpenAPI 3.1. Needs no token.',
    security: [],
    responses: {
      200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
    },
  }
}
