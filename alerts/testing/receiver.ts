import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'

export type Received = { at: number; path: string; headers: IncomingHttpHeaders; text: string; body: unknown }

/** A real HTTP server that keeps what it is sent; `answer` says how the next ones are answered. */
export async function startReceiver() {
  const received: Received[] = []
  let status = 200
  let onRequest: (request: Received) => void = () => undefined
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const { url = '', headers } = request
    const one = { at: Date.now(), path: url, headers, text, body: JSON.parse(text) as unknown }
    received.push(one)
    onRequest(one)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'ok' : 'not now')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    answerWith(code: number) {
      status = code
    },
    onRequest(listener: (request: Received) => void) {
      onRequest = listener
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
