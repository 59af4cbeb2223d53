import { z } from 'zod'
import type { Scope } from '../core/runtime/tokens.ts'
import type { Queries } from './bounded-store.ts'
import { badParameters, readParameters } from './parameters.ts'
import type { Clock } from './window.ts'

/** What a route may use to answer. */
export type Context = {
  store: Queries
  clock(): Clock
}

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
}

/** A route as the router and the OpenAPI document see it: the same schemas validate and describe. */
export type Route = About & {
  pathParameters: z.ZodObject
  query: z.ZodObject
  answer: z.ZodType
  /** Parses the parameters and answers. Throws problems. */
  run(
    request: { path: string; params: Record<string, unknown>; query: Record<string, unknown> },
    context: Context,
  ): Promise<unknown>
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
  },
): Route {
  const pathParameters = z.strictObject(route.pathParameters)
  const query = z.strictObject(route.query)
  return {
    ...route,
    pathParameters,
    query,
    run(request, context) {
      const fromPath = readParameters(pathParameters, { ...request.params })
      const fromQuery = readParameters(query, { ...request.query })
      if (!fromPath.ok || !fromQuery.ok) {
        throw badParameters([
          ...(fromPath.ok ? [] : fromPath.mistakes),
          ...(fromQuery.ok ? [] : fromQuery.mistakes),
        ])
      }
      const asked = { path: request.path, query: { ...request.query } }
      return route.handle({ path: fromPath.value, query: fromQuery.value, asked }, context)
    },
  }
}
