import * as http from 'node:http'
import * as https from 'node:https'
import type { Batch } from './batch.ts'

/** What came of one request. */
export type Reply =
  | { kind: 'answer'; status: number; retryAfter: string | undefined; body: string }
  | { kind: 'failure'; reason: string }

/** Sends one batch. Never rejects: a failure is a reply. */
export type Transport = {
  post(batch: Batch): Promise<Reply>
  /** Ends the request under way and the connections kept for the next. */
  close(): void
}

/** Of an answer no more is read than this. */
const MAX_ANSWER = 1024 * 1024

/**
 * `POST {url}/v1/events` over one kept connection. Each request has a deadline over all of it, `timeout` in ms.
 * The sockets never keep the process alive.
 */
export function createTransport(url: URL, token: string | undefined, timeout: number): Transport {
  const { request, Agent } = url.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const target = new URL('v1/events', url.href.replace(/[?#].*$/, '').replace(/\/?$/, '/'))
  let current: http.ClientRequest | undefined
  return {
    post: (batch) =>
      new Promise((resolve) => {
        const fail = (error: NodeJS.ErrnoException) =>
          resolve({ kind: 'failure', reason: error.code ?? error.name })
        const sent = request(target, { method: 'POST', agent, headers: headersOf(batch, token) })
        current = sent
        const timer = setTimeout(() => sent.destroy(failure('request_timeout')), timeout)
        timer.unref()
        sent.on('close', () => clearTimeout(timer))
        sent.on('socket', (socket) => socket.unref())
        sent.on('error', fail)
        sent.on('response', (response) => readAnswer(response).then(resolve, fail))
        sent.end(batch.body)
      }),
    close() {
      current?.destroy(failure('stopped'))
      agent.destroy()
    },
  }
}

function headersOf({ agent, epoch, sequence, body }: Batch, token: string | undefined) {
  return {
    'content-type': 'application/x-ndjson',
    'content-encoding': 'gzip',
    'content-length': body.length,
    'halfshake-agent': agent,
    'halfshake-epoch': epoch,
    'halfshake-sequence': sequence,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

async function readAnswer(response: http.IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER) throw failure('answer_too_long')
    chunks.push(chunk)
  }
  return {
    kind: 'answer',
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}
