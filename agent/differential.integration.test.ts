import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import * as tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { observe } from './index.ts'
import { createCertificate } from './testing/certificate.ts'
import { HALF_HELLO, handshake, openssl, rawClient } from './testing/clients.ts'
import { type Sink, startSink } from './testing/sink.ts'

/** What clients do to a server; the same to one with and one without the agent. */
const CLIENTS: Record<string, (port: number, kind: string) => Promise<unknown>> = {
  // One side alone ends it, so that the order of what is seen is always the same.
  'completes a handshake': (port, kind) =>
    handshake(port, { servername: 'www.example.net', wait: kind === 'tls' }),
  'speaks plain HTTP': (port) => rawClient(port, (socket) => socket.write('GET / HTTP/1.1\r\n\r\n')),
  'sends garbage': (port) => rawClient(port, (socket) => socket.write(Buffer.alloc(64, 0xaa))),
  'resets at once': (port) => rawClient(port, (socket) => socket.resetAndDestroy()),
  'ends at once': (port) => rawClient(port, (socket) => socket.end()),
  'ends after half a hello': (port) => rawClient(port, (socket) => socket.end(HALF_HELLO)),
  'has no version in common': (port) => openssl(port, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'),
  'rejects the certificate': (port) => openssl(port, '-verify_return_error', '-CAfile', otherCa.certFile),
}

const certificate = createCertificate()
const otherCa = createCertificate('other.example')

const SERVERS: Record<string, () => tls.Server> = {
  tls: () => tls.createServer(certificate, (socket) => socket.end('hello')),
  https: () => https.createServer(certificate, (_request, response) => response.end('hello')),
  'https with clientError': () =>
    https
      .createServer(certificate, (_request, response) => response.end('hello'))
      .on('clientError', (_error, socket) => socket.destroy()),
  http2: () => http2.createSecureServer(certificate, (_request, response) => response.end('hello')),
  'http2 with allowHTTP1': () =>
    http2.createSecureServer({ ...certificate, allowHTTP1: true }, (_request, response) =>
      response.end('hello'),
    ),
}

let sink: Sink
beforeAll(async () => {
  sink = await startSink()
})
afterAll(() => sink.close())

describe.each(Object.keys(SERVERS))(
  'a server of kind %s behaves the same with and without the agent',
  (kind) => {
    test.each(Object.keys(CLIENTS))('when a client %s', async (client) => {
      const without = await behaviour(kind, client, false)
      expect(await behaviour(kind, client, true)).toEqual(without)
      expect(without.length).toBeGreaterThan(0)
    })
  },
)

/** All that an application can see of a connection, in its order. */
async function behaviour(kind: string, client: string, observed: boolean): Promise<string[]> {
  const server = SERVERS[kind]?.() ?? tls.createServer()
  const seen: string[] = []
  watch(server, seen)
  const observation = observed ? observe(server, { url: sink.url, agent: 'diff' }) : undefined
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // An address of a listening TCP server is never a string.
  const output = await CLIENTS[client]?.((server.address() as AddressInfo).port, kind)
  server.close()
  await once(server, 'close')
  await observation?.close()
  if (typeof output === 'string') seen.push(...(output.match(/alert number \d+|Cipher is \S+/g) ?? []))
  return seen
}

function watch(server: tls.Server, seen: string[]): void {
  server.on('connection', (socket: Socket) => {
    seen.push('connection')
    socket.on('close', (hadError) => seen.push(`socket closed, error ${hadError}`))
  })
  server.on('secureConnection', (socket) => {
    seen.push(`secureConnection ${socket.getProtocol()} ${socket.servername}`)
    socket.on('close', (hadError) => seen.push(`TLS socket closed, error ${hadError}`))
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) =>
    seen.push(`tlsClientError ${error.code} destroyed ${socket.destroyed} writable ${socket.writable}`),
  )
  for (const name of ['session', 'sessionError', 'stream', 'request', 'unknownProtocol']) {
    server.on(name, () => seen.push(name))
  }
}
