/** The clients: full TLS 1.3 handshakes on new connections, or connections that say nothing. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { serve } from './protocol.ts'

const CONCURRENCY = 16
const idle: Socket[] = []

serve(0, async (request) => {
  if (request.do === 'handshakes') await handshakes(request.ports, request.count)
  if (request.do === 'idle') await connectIdle(request.port, request.count)
  return 'done'
})

/** So many handshakes with each of the ports, in turns. */
async function handshakes(ports: readonly number[], count: number): Promise<void> {
  const all = Array.from({ length: count }, () => ports).flat()
  const worker = async () => {
    for (let port = all.pop(); port !== undefined; port = all.pop()) await handshake(port)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

function handshake(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ port, host: '127.0.0.1', servername: 'www.example.net' },
      ...{ minVersion: 'TLSv1.3', rejectUnauthorized: false, ALPNProtocols: [] },
    })
    socket.on('secureConnect', () => {
      if (socket.isSessionReused()) reject(new Error('a session was resumed'))
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.resume()
  })
}

async function connectIdle(port: number, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += 1) {
    await new Promise<void>((resolve, reject) => {
      const socket = connectTcp(port, '127.0.0.1', resolve)
      // Refused before, or reset when the server is ended.
      socket.on('error', reject)
      idle.push(socket)
    })
  }
}
