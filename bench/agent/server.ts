/** The server measured: `server.ts KEY CERT [SINK_URL]`, with the built agent when there is a sink. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { Observation } from '../../agent/index.ts'
import { serve, type Usage } from './protocol.ts'

const [, , key = '', cert = '', sink] = process.argv
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
  socket.on('error', () => undefined)
  socket.end()
})
let observation: Observation | undefined
if (sink !== undefined) {
  // What users run, not the sources: compiled, in one file.
  const built = new URL('../../agent/dist/esm/index.js', import.meta.url).href
  const { observe }: typeof import('../../agent/index.ts') = await import(built)
  observation = observe(server, { url: sink, agent: 'bench', site: 'bench', handshakeTimeout: 60_000 })
}
server.listen(0, '127.0.0.1', () => {
  // An address of a listening TCP server is never a string.
  serve((server.address() as AddressInfo).port, async (request) => {
    if (request.do === 'collect') for (let times = 0; times < 3; times += 1) globalThis.gc?.()
    return measure()
  })
})

function measure(): Usage {
  const { user, system } = process.cpuUsage()
  const cpu = user + system
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  const events = observation?.stats().events
  return {
    cpu,
    memory: heapUsed + external + arrayBuffers,
    waiting: events?.waiting ?? 0,
    delivered: events?.delivered ?? 0,
  }
}
