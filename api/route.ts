import { z } from 'zod'
import type { RuleBook } from '../alerts/rule-book.ts'
import type { Scope } from '../core/runtime/tokens.ts'
import type { Turns } from '../core/runtime/turns.ts'
import { SMALL_BODY } from './body.ts'
import type { Inserts, Queries } from './bounded-store.ts'
import { badBody, badParameters, type Read, readParameters } from './parameters.ts'
import type { Clock } from './window.ts'

/** What a route may use to answer. */
export type Context = {
  store: Queries & Inserts
  clock(): Clock
  /** One order by hand at a time, so that each sees those before it. */
  inTurn: Turns
  rules: RuleBook
}

/** An answer; its status is the route's unless it says otherwise. */
export type Reply = { body: unknown; status?: 200 | 201 | 204; headers?: Record<string, string> }

/** Headers by which a request says on what state of a thing it builds. Source: RFC 9110, section 13.1 */
export type Conditions = { ifMatch: string | undefined; ifNoneMatch: string | undefined }

/** A request as a route sees it: parameters parsed, and the query as it came, to which cursors are bound. */
export type Call<Path, Query> = {
  path: Path
  query: Query
  asked: { path: string; query: Record<string, unknown> }
}

type About = {
  /** As express has it: /v1/networks/:asn */
  path: string
  tag: string
  summary: string
  description: string
  scope: Scope
  /** When this answers 404, if ever. */
  notFound?: string
  /** When this answers 409, if ever. */
  conflict?: string
  /** Of a success; 200 when left out. */
  status?: 200 | 201 | 204
  /** Headers of a success, and what they say. */
  answerHeaders?: Readonly<Record<string, string>>
}

export type Condition = { header: 'If-Match' | 'If-None-Match'; description: string }

/** A route as the router and the OpenAPI document see it: the same schemas validate and describe. */
export type Route = About & {
  method: 'get' | 'post' | 'put' | 'delete'
  pathParameters: z.ZodObject
  query: z.ZodObject
  /** What it takes as JSON, as JSON Schema, and how many bytes of it. */
  body?: { schema: Record<string, unknown>; largest: number }
  /** The headers of which one says on what state the request builds. */
  conditions?: readonly Condition[]
  /** When it answers 201 instead, if ever. */
  makes?: string
  answer: z.ZodType
  /** Parses the parameters and answers. Throws problems. */
  run(
    request: {
      path: string
      params: Record<string, unknown>
      query: Record<string, unknown>
      body?: Record<string, unknown>
      conditions: Conditions
    },
    context: Context,
  ): Promise<Reply>
}

/** A GET route from its schemas and the function that answers it. */
export function defineRoute<
  Path extends z.ZodRawShape,
  Query extends z.ZodRawShape,
  Answer extends z.ZodType,
>(
  route: About & {
    pathParameters: Path
    query: Query
    answer: Answer
    handle(
      call: Call<z.output<z.ZodObject<Path>>, z.output<z.ZodObject<Query>>>,
      context: Context,
    ): Promise<z.output<Answer>>
    headers?: (answer: z.output<Answer>) => Record<string, string>
  },
): Route {
  const pathParameters = z.strictObject(route.pathParameters)
  const query = z.strictObject(route.query)
  return {
    ...route,
    method: 'get',
    pathParameters,
    query,
    async run(request, context) {
      const [fromPath, fromQuery] = all(
        readParameters(pathParameters, { ...request.params }),
        readParameters(query, { ...request.query }),
      )
      const asked = { path: request.path, query: { ...request.query } }
      const body = await route.handle({ path: fromPath, query: fromQuery, asked }, context)
      return { body, headers: route.headers?.(body) ?? {} }
    },
  }
}

/** A POST route: it takes a JSON object and no parameters but those in its path. */
export function defineAction<
  Path extends z.ZodRawShape,
  Body extends z.ZodRawShape,
  Answer extends z.ZodType,
>(
  route: About & {
    pathParameters: Path
    body: Body
    answer: Answer
    handle(
      call: { path: z.output<z.ZodObject<Path>>; body: z.output<z.ZodObject<Body>> },
      context: Context,
    ): Promise<z.output<Answer>>
  },
): Route {
  const pathParameters = z.strictObject(route.pathParameters)
  const query = z.strictObject({})
  const body = z.strictObject(route.body)
  return {
    ...route,
    method: 'post',
    pathParameters,
    query,
    body: { schema: inputSchema(body), largest: SMALL_BODY },
    async run(request, context) {
      const [path] = all(
        readParameters(pathParameters, { ...request.params }),
        readParameters(query, { ...request.query }),
      )
      const read = readParameters(body, request.body ?? {}, 'field')
      if (!read.ok) throw badBody(read.mistakes)
      return { body: await route.handle({ path, body: read.value }, context) }
    },
  }
}

/** A route that makes, replaces or deletes a document, which `handle` checks itself. */
export function defineWrite<
  Path extends z.ZodRawShape,
  Query extends z.ZodRawShape,
  Answer extends z.ZodType,
>(
  route: About & {
    method: 'post' | 'put' | 'delete'
    pathParameters: Path
    query: Query
    body?: NonNullable<Route['body']>
    conditions?: readonly Condition[]
    makes?: string
    answer: Answer
    handle(
      call: {
        path: z.output<z.ZodObject<Path>>
        query: z.output<z.ZodObject<Query>>
        body: Record<string, unknown>
        conditions: Conditions
      },
      context: Context,
    ): Promise<Reply & { body: z.output<Answer> }>
  },
): Route {
  const pathParameters = z.strictObject(route.pathParameters)
  const query = z.strictObject(route.query)
  return {
    ...route,
    pathParameters,
    query,
    run({ params, query: given, body = {}, conditions }, context) {
      const [fromPath, fromQuery] = all(
        readParameters(pathParameters, { ...params }),
        readParameters(query, { ...given }),
      )
      return route.handle({ path: fromPath, query: fromQuery, body, conditions }, context)
    },
  }
}

/** As a client writes it: what has a default may be left out. */
export function inputSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...body } = z.toJSONSchema(schema, { io: 'input' })
  return body
}

/** What path and query say, or the problem that lists everything wrong with both. */
function all<Path, Query>(path: Read<Path>, query: Read<Query>): [Path, Query] {
  if (path.ok && query.ok) return [path.value, query.value]
  throw badParameters([...(path.ok ? [] : path.mistakes), ...(query.ok ? [] : query.mistakes)])
}
