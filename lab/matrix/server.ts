/** Runs in the server's namespace: a TLS server with the agent on it, and an ingest that passes on what agents send. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { observe } from '../../agent/index.ts'
import { orders, type ServerOrders, tell } from './messages.ts'

const { pair, port, ingestPort, handshakeTimeout, clientCa, slowness, ...versions } = orders<ServerOrders>()

const ingest = createHttpServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
  tell({ kind: 'batch', agent: String(request.headers['halfshake-agent']), body: plain.toString() })
  const accepted = plain.toString().split('\n').length - 1
  response.writeHead(202, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ accepted, rejected: 0, duplicate: false, errors: [] }))
}).listen(ingestPort, '127.0.0.1')
await once(ingest, 'listening')

const context: SecureContextOptions = {
  key: readFileSync(pair.key),
  cert: readFileSync(pair.cert),
  ...versions,
  ...(clientCa === undefined ? {} : { ca: readFileSync(clientCa) }),
}
const server = createServer(
  {
    ...context,
    ...(clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
    ...(slowness === undefined
      ? {}
      : {
          SNICallback: (
            _name: string,
            answer: (error: null, chosen: ReturnType<typeof createSecureContext>) => void,
          ) => {
            setTimeout(() => answer(null, createSecureContext(context)), slowness)
          },
        }),
  },
  (_, response) => response.end('hello\n'),
)
const observation = observe(server, {
  url: `http://127.0.0.1:${(ingest.address() as AddressInfo).port}`,
  agent: 'node',
  site: 'lab',
  handshakeTimeout,
})
server.listen(port, '::', () => tell({ kind: 'listening' }))

process.on('message', (message) => {
  // The ingest goes on until the capture, too, has delivered what it saw.
  if (message === 'stop') void observation.close().then(() => tell({ kind: 'stopped' }))
  if (message === 'end') process.exit()
})
// The lab is gone, or Ctrl-C is its business.
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
