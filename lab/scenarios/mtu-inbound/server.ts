/** Runs in the server's namespace: an HTTPS server as anybody has one, with the agent on it. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { observe } from '../../../agent/index.ts'
import { orders, type ServerOrders, tell } from './messages.ts'
import { relayFromNamespace } from './relay.ts'

const { key, cert, port, relay, token, handshakeTimeout } = orders<ServerOrders>()

const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
  response.end('hello\n')
})
const observation = observe(server, {
  url: await relayFromNamespace(relay),
  ...(token === undefined ? {} : { token }),
  agent: 'lab-server',
  site: 'lab',
  handshakeTimeout,
})
server.listen(port, '::', () => tell({ kind: 'listening' }))

process.on('message', (message) => {
  if (message !== 'stop') return
  void observation.close().then(() => {
    tell({ kind: 'stopped', delivered: observation.stats().events.delivered })
    process.disconnect()
    process.exit()
  })
})
// The lab is gone, or Ctrl-C is its business.
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
