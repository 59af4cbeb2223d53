import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { Problem } from './problem.ts'

export const SCOPES = ['ingest', 'read', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** A token as it is stored: only its hash. `admin` includes every scope. */
export type StoredToken = { name: string; hash: string; scopes: readonly Scope[] }

/** Checks a request's bearer token for a scope; throws the Problem to answer with. */
export type Authorize = (authorization: string | undefined, scope: Scope) => void

const PREFIX = 'hs_'

/** A new token of 256 random bits and what to store of it. A hash without salt is enough for that much randomness. */
export function createToken(): { token: string; hash: string } {
  const token = PREFIX + randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`
}

/** With no tokens at all everything is allowed: the caller has made sure that only loopback is bound. */
export function createAuthorize(tokens: readonly StoredToken[]): Authorize {
  const stored = tokens.map(({ hash, scopes }) => ({ hash: Buffer.from(hash), scopes }))
  return (authorization, scope) => {
    if (stored.length === 0) return
    const [, token] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? []
    if (token === undefined)
      throw unauthorized('the request bears no token; send "Authorization: Bearer TOKEN"')
    const given = Buffer.from(hashToken(token))
    // Every stored hash is compared, so that the time taken tells nothing of which one matched.
    const matching = stored.filter(({ hash }) => hash.length === given.length && timingSafeEqual(hash, given))
    if (matching.length === 0) throw unauthorized('this token is not known here')
    if (!matching.some(({ scopes }) => scopes.includes(scope) || scopes.includes('admin'))) {
      throw new Problem({
        status: 403,
        type: 'forbidden',
        title: 'Token lacks the scope',
        detail: `this needs a token with scope ${scope}`,
      })
    }
  }
}

export function requireScope(authorize: Authorize, scope: Scope): RequestHandler {
  return (request, _response, next) => {
    authorize(request.headers.authorization, scope)
    next()
  }
}

function unauthorized(detail: string): Problem {
  return new Problem({
    status: 401,
    type: 'unauthorized',
    title: 'Token needed',
    detail,
    headers: { 'WWW-Authenticate': 'Bearer realm="halfshake"' },
  })
}
