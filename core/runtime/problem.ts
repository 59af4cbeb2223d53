import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import type { Logger } from './log.ts'

/**
 * An answer that is an error, as RFC 9457 has it. `type` is a stable name, resolved against /problems/;
 * `detail` says what was wrong with this request and what to do.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly type: string
  readonly title: string
  /** Further members of the document. */
  readonly members: Record<string, unknown>
  readonly headers: Record<string, string>
  constructor(about: {
    status: number
    type: string
    title: string
    detail: string
    members?: Record<string, unknown>
    headers?: Record<string, string>
  }) {
    super(about.detail)
    this.status = about.status
    this.type = about.type
    this.title = about.title
    this.members = about.members ?? {}
    this.headers = about.headers ?? {}
  }
}

export function sendProblem(response: Response, problem: Problem): void {
  response
    .status(problem.status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `/problems/${problem.type}`,
        title: problem.title,
        status: problem.status,
        detail: problem.message,
        ...problem.members,
      }),
    )
}

/** The last route: nothing answered. */
export function notFound(): RequestHandler {
  return (request) => {
    throw new Problem({
      status: 404,
      type: 'not-found',
      title: 'No such page',
      detail: `${request.method} ${request.path} does not exist; see /v1/openapi.json for what does`,
    })
  }
}

/** The one place where an error becomes an answer. What was not foreseen is logged and told as 500 without its text. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const problem = problemOf(error)
    if (problem.type === UNFORESEEN)
      log.error({ error: describe(error), method: request.method, path: request.path }, 'request failed')
    sendProblem(response, problem)
  }
}

const UNFORESEEN = 'internal'

/** What is told of an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  return (
    badRequest(error) ??
    new Problem({
      status: 500,
      type: UNFORESEEN,
      title: 'Internal error',
      detail: 'the server failed at this; its log says why',
    })
  )
}

/** What the router itself holds against a request, such as an escape in the path that stands for nothing. */
function badRequest(error: unknown): Problem | undefined {
  if (!(error instanceof URIError)) return undefined
  return new Problem({ status: 400, type: 'bad-path', title: 'Path not readable', detail: error.message })
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
