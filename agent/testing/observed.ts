import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import type { ConnectionEvent } from '../../core/event/index.ts'
import { type Observation, type ObserveOptions, observe } from '../index.ts'
import { type Certificate, createCertificate } from './certificate.ts'
import { type Sink, startSink } from './sink.ts'
import { until } from './wait.ts'

let shared: Certificate | undefined

/** One certificate for all servers of a test file. */
export function certificate(): Certificate {
  shared ??= createCertificate()
  return shared
}

export type Observed = {
  port: number
  server: Server
  sink: Sink
  observation: Observation
  /** Closes the agent and returns all events it sent. */
  finish(): Promise<ConnectionEvent[]>
  /** Waits for so many events to be stored. */
  events(count: number): Promise<ConnectionEvent[]>
}

const open: (() => Promise<void>)[] = []

/** Starts a TLS server, or takes the one given, with an agent that reports to a sink of its own. */
export async function startObserved(
  options: Partial<ObserveOptions> = {},
  serverOptions: TlsOptions | Server = {},
): Promise<Observed> {
  const sink = await startSink()
  const server =
    'listen' in serverOptions
      ? serverOptions
      : createServer({ ...certificate(), ...serverOptions }, (socket) => {
          socket.on('error', () => undefined)
          socket.resume()
        })
  const observation = observe(server, { url: sink.url, agent: 'test', batch: { delay: 20 }, ...options })
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket))
  open.push(async () => {
    await observation.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    await sink.close()
  })
  return {
    // An address of a listening TCP server is never a string.
    port: (server.address() as AddressInfo).port,
    ...{ server, sink, observation },
    async finish() {
      await observation.close()
      return sink.stored
    },
    async events(count) {
      await until(() => sink.stored.length >= count, `${count} events`)
      return sink.stored
    },
  }
}

/** Ends what the tests of a file started. */
export async function stopAll(): Promise<void> {
  await Promise.all(open.splice(0).map((stop) => stop()))
}
