import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { hashToken } from '../../runtime/tokens.ts'
import type { Role } from '../engine/access.ts'
import { Fault, fault } from './fault.ts'

export type Access = Exclude<Role, 'engine'>

/** A user of the HTTP interface. Only the password's hash is kept: `sha256:` and 64 hex digits. */
export type StoreUser = { name: string; hash: string; access: Access }

export type Authenticate = (headers: IncomingHttpHeaders, url: URLSearchParams) => Access

/** Without any users: the two names that are known, neither with a password. For loopback only. */
const OPEN: Record<string, Access> = { default: 'admin', reader: 'reader' }

/**
 * Who asks, by X-ClickHouse-User and -Key, basic authorization, or user and password in the URL.
 * Throws the fault to answer with; unknown names and wrong passwords are told apart by nothing, time included.
 */
export function createAuthenticate(users: readonly StoreUser[]): Authenticate {
  const known = new Map(users.map((user) => [user.name, user]))
  const nobody = hashToken('')
  return (headers, url) => {
    const { name, password } = credentials(headers, url)
    if (users.length === 0) {
      refusePagesOfOthers(headers)
      const access = OPEN[name]
      if (access === undefined || password !== '') throw fault.authentication(name)
      return access
    }
    const user = known.get(name)
    const given = Buffer.from(hashToken(password))
    const stored = Buffer.from(user?.hash ?? nobody)
    const same = given.length === stored.length && timingSafeEqual(given, stored)
    if (user === undefined || !same || password === '') throw fault.authentication(name)
    return user.access
  }
}

function credentials(headers: IncomingHttpHeaders, url: URLSearchParams): { name: string; password: string } {
  const byHeader = one(headers['x-clickhouse-user'])
  const key = one(headers['x-clickhouse-key'])
  const basic = basicOf(headers.authorization)
  if (one(headers['x-clickhouse-ssl-certificate-auth']) === 'on') {
    throw fault.notImplemented('certificates are not asked for here: send a password')
  }
  if ((byHeader ?? key) !== undefined && basic !== undefined) {
    throw new Fault(
      516,
      'AUTHENTICATION_FAILED',
      'Invalid authentication: it is not allowed to use X-ClickHouse HTTP headers and Authorization HTTP header simultaneously',
    )
  }
  if ((byHeader ?? key) !== undefined) return { name: byHeader ?? 'default', password: key ?? '' }
  if (basic !== undefined) return basic
  return { name: url.get('user') ?? 'default', password: url.get('password') ?? '' }
}

function basicOf(authorization: string | undefined): { name: string; password: string } | undefined {
  if (authorization === undefined) return undefined
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization) ?? []
  if (encoded === undefined) throw fault.badArguments('Authorization is understood as Basic only')
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return { name: text, password: '' }
  return { name: text.slice(0, colon) || 'default', password: text.slice(colon + 1) }
}

/**
 * Without passwords, any page that a browser on this machine shows could send its requests here. Browsers say so
 * with Origin; and a name that was made to resolve to loopback shows in Host.
 */
function refusePagesOfOthers(headers: IncomingHttpHeaders): void {
  const host = (headers.host ?? 'localhost').replace(/:\d+$/, '')
  const loopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
  if (headers.origin === undefined && loopback) return
  throw fault.denied('Not enough privileges: a request from a web page needs a user with a password')
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
