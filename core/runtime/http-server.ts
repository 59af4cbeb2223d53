import { createServer, type Server } from 'node:http'
import express, { type Express, type RequestHandler } from 'express'
import type { Component } from './lifecycle.ts'
import type { Logger } from './log.ts'
import { notFound, problemHandler } from './problem.ts'

export type HttpServer = Component & {
  /** Where it listens, once started: http://127.0.0.1:8080 */
  url(): string
}

/** One listener that serves the given routers in order and answers every error as a problem document. */
export function createHttpServer({
  host,
  port,
  routers,
  log,
}: {
  host: string
  port: number
  routers: readonly RequestHandler[]
  log: Logger
}): HttpServer {
  let server: Server | undefined
  return {
    name: 'http',
    async start() {
      server = createServer({ headersTimeout: 10_000, requestTimeout: 60_000 }, createApp(routers, log))
      await listen(server, host, port)
    },
    async stop() {
      const closing = server
      if (closing === undefined) return
      const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
      closing.closeIdleConnections()
      // Requests in flight may finish; streams that never end may not hold the process.
      const giveUp = setTimeout(() => closing.closeAllConnections(), 5_000)
      await closed
      clearTimeout(giveUp)
    },
    url() {
      const bound = server?.address()
      if (typeof bound !== 'object' || bound === null) throw new Error('the HTTP server is not listening')
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    },
  }
}

export function createApp(routers: readonly RequestHandler[], log: Logger): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.set('etag', false)
  app.use((_request, response, next) => {
    response.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })
    next()
  })
  for (const router of routers) app.use(router)
  app.use(notFound())
  app.use(problemHandler(log))
  return app
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)))
    server.listen({ host, port }, () => resolve())
  })
}

/** The address cannot be listened on; the message says why and what to do. */
export class ListenFailed extends Error {
  override readonly name = 'ListenFailed'
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): ListenFailed {
  const message =
    error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is taken by another process; stop it or choose another with http.listen`
      : `cannot listen on ${host}:${port}: ${error.message}`
  return new ListenFailed(message, { cause: error })
}
