import { json, type Request, type RequestHandler } from 'express'
import { Problem } from '../core/runtime/problem.ts'

/** Enough for what people type. */
export const SMALL_BODY = 16_384
/** Nothing that is taken is nested deeper; what is, ends the stack of those who look into it. */
const DEEPEST = 32

/**
 * Reads a JSON object into `request.body`. Nothing but `application/json` is taken: no page of another origin can
 * send that without asking first.
 */
export function jsonBody(largest = SMALL_BODY): RequestHandler {
  const read = json({ limit: largest, inflate: false })
  return (request, response, next) => {
    if (!request.is('application/json')) throw unsupported(request)
    read(request, response, (error?: unknown) => {
      if (error !== undefined) next(problemOf(error, largest))
      else if (!isObject(request.body)) next(bad('the body is a list', 'a JSON object'))
      else if (isDeep(request.body)) next(bad('the body is nested too deeply', `at most ${DEEPEST} levels`))
      else next()
    })
  }
}

function isDeep(body: unknown): boolean {
  let level = [body]
  for (let depth = 0; depth <= DEEPEST; depth += 1) {
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
    if (level.length === 0) return false
  }
  return true
}

function isObject(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}

function unsupported(request: Request): Problem {
  const given = request.headers['content-type']
  return new Problem({
    status: 415,
    type: 'unsupported-media-type',
    title: 'Body must be JSON',
    detail: `Content-Type is ${given === undefined ? 'missing' : JSON.stringify(given)}, or there is no body: send a JSON object as application/json`,
  })
}

/** What express's parser holds against a body, by the `type` of its errors. Source: body-parser README, "Errors" */
function problemOf(error: unknown, largest: number): unknown {
  if (!(error instanceof Error) || !('type' in error)) return error
  switch (error.type) {
    case 'entity.parse.failed':
      return bad(`the body is not JSON (${error.message})`, 'a JSON object')
    case 'entity.too.large':
      return new Problem({
        status: 413,
        type: 'too-large',
        title: 'Body too large',
        detail: `the body is larger than the ${largest} bytes allowed`,
      })
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new Problem({
        status: 415,
        type: 'unsupported-media-type',
        title: 'Body must be JSON',
        detail: `${error.message}: send UTF-8, not compressed`,
      })
    case 'request.aborted':
    case 'request.size.invalid':
      return bad(`the body was cut off (${error.message})`, 'as many bytes as Content-Length says')
    default:
      return error
  }
}

function bad(message: string, allowed: string): Problem {
  return new Problem({
    status: 400,
    type: 'bad-body',
    title: 'Body not allowed',
    detail: `${message}: ${allowed}`,
    members: { errors: [{ field: '', message, allowed }] },
  })
}
