import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type ConnectionEvent, parseEvents } from '../../core/event/index.ts'

/** A batch as it came, with what the sink did with it. */
export type Received = {
  agent: string
  epoch: number
  sequence: number
  authorization: string | undefined
  contentType: string | undefined
  body: Buffer
  events: ConnectionEvent[]
  /** Lines that the contract refuses. */
  refused: number
}

/** What the sink does with a request: `store` takes it in as ingest would, `answer` answers as it likes. */
export type Handling = {
  received: Received
  request: IncomingMessage
  response: ServerResponse
  store(): void
  accept(): void
}
export type Handler = (handling: Handling) => void

export type Sink = {
  url: string
  /** All requests, also those not stored. */
  requests: Received[]
  /** Events stored: ingest's rule, at or below the highest sequence of (agent, epoch) is a repeat. */
  stored: ConnectionEvent[]
  /** Sets what happens to requests from now on. */
  handle(handler: Handler): void
  close(): Promise<void>
}

/** A stand-in for ingest over real HTTP, which can be told to misbehave. */
export async function startSink(first: Handler = ({ accept }) => accept()): Promise<Sink> {
  const requests: Received[] = []
  const stored: ConnectionEvent[] = []
  const highest = new Map<string, number>()
  let handler = first

  const handling = (received: Received, request: IncomingMessage, response: ServerResponse): Handling => {
    const run = `${received.agent} ${received.epoch}`
    let duplicate = 0
    const store = () => {
      if (received.sequence <= (highest.get(run) ?? 0)) duplicate = received.events.length
      else stored.push(...received.events)
      highest.set(run, Math.max(received.sequence, highest.get(run) ?? 0))
    }
    const accept = () => {
      store()
      response.statusCode = 202
      const accepted = received.events.length - duplicate
      response.end(JSON.stringify({ accepted, rejected: 0, duplicate, errors: [] }))
    }
    return { received, request, response, store, accept }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const received = read(request, Buffer.concat(chunks))
      requests.push(received)
      handler(handling(received, request, response))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // An address of a listening TCP server is never a string.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stored,
    handle(next) {
      handler = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function read(request: IncomingMessage, body: Buffer): Received {
  const { headers } = request
  const { events, refused } = parseEvents(gunzipSync(body))
  return {
    agent: String(headers['halfshake-agent']),
    epoch: Number(headers['halfshake-epoch']),
    sequence: Number(headers['halfshake-sequence']),
    authorization: headers.authorization,
    contentType: headers['content-type'],
    body,
    events: events.map(({ event }) => event),
    refused: refused.length,
  }
}
