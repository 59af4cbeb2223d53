import { isIP } from 'node:net'
import { z } from 'zod'
import { DURATION_SHAPE, parseDuration, parseSize, SIZE_SHAPE } from './quantity.ts'

/** Kinds of settings: each says in its message what is allowed. */

export function listen() {
  const shape = 'address:port, as 127.0.0.1:8080 or [::1]:8080, the port from 0 to 65535'
  return z.string(shape).transform((text, context) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
    const host = bracketed ?? (plain === 'localhost' ? '127.0.0.1' : plain)
    if (host === undefined || isIP(host) === 0 || Number(port) > 65_535) {
      context.addIssue(shape)
      return z.NEVER
    }
    return { host, port: Number(port) }
  })
}

/** A list of host:port; in a variable also separated by commas. */
export function hostPorts(fallback: readonly string[]) {
  const shape = 'a list of host:port, as [kafka-1:9092, kafka-2:9092]'
  const one = z.string(shape).regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, shape)
  const split = (value: unknown) => (typeof value === 'string' ? value.split(/\s*,\s*/) : value)
  return z.preprocess(split, z.array(one, shape).min(1, shape)).prefault([...fallback])
}

/** The address of a server, without credentials or path. */
export function serverUrl() {
  const shape = 'http://HOST:PORT or https://HOST:PORT; user and password have settings of their own'
  return z.string(shape).transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const plain = url !== undefined && url.username === '' && url.password === '' && url.search === ''
    if (!plain || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
      context.addIssue(shape)
      return z.NEVER
    }
    return url.origin
  })
}

/** A name that goes into statements and topics as it is. */
export function identifier(fallback: string, pattern: RegExp, shape: string) {
  return z.string(shape).regex(pattern, shape).default(fallback)
}

export function path() {
  return z.string('the path of a file').min(1, 'the path of a file').optional()
}

export function integer(min: number, max: number, fallback: number) {
  const shape = `a whole number from ${min} to ${max}`
  return z.int(shape).min(min, shape).max(max, shape).default(fallback)
}

export function duration(fallback: string, min: string, max: string) {
  return requiredDuration(min, max).prefault(fallback)
}

export function requiredDuration(min: string, max: string) {
  const shape = `${DURATION_SHAPE}, from ${min} to ${max}`
  return quantity(parseDuration, shape, parseDuration(min) ?? 0, parseDuration(max) ?? 0)
}

export function size(fallback: string) {
  const shape = `${SIZE_SHAPE}, from 1kB to 256MB`
  return quantity(parseSize, shape, 1e3, 256e6).prefault(fallback)
}

function quantity(parse: (text: string) => number | undefined, shape: string, min: number, max: number) {
  return z.string(shape).transform((text, context) => {
    const value = parse(text)
    if (value === undefined || value < min || value > max) {
      context.addIssue(shape)
      return z.NEVER
    }
    return value
  })
}
