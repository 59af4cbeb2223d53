import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { createBrotliCompress, createDeflate, createGzip, constants as zlib } from 'node:zlib'
import { type Fault, faultText, statusOf } from './fault.ts'
import { contentTypeOf } from './formats.ts'

/** What a request did to rows, as the X-ClickHouse-Summary header has it. */
export type Summary = {
  readRows: number
  readBytes: number
  writtenRows: number
  writtenBytes: number
  seconds: number
}

/** The answer to one request: rows as they come, or an error, which may also come after rows. */
export type Answer = {
  /** Sends rows; resolves when the client has taken enough of them to send more. Rejects when it is gone. */
  write(chunk: Buffer): Promise<void>
  end(): Promise<void>
  fail(fault: Fault): Promise<void>
  /** Sent with the headers, so it is left out once they are gone. */
  summarize(summary: Summary): void
  setFormat(format: string): void
}

/** How long a client may take none of what is sent to it. */
const STALLED_MS = 60_000
const ENCODERS = {
  gzip: () => createGzip({ level: 3 }),
  deflate: () => createDeflate({ level: 3 }),
  br: () => createBrotliCompress({ params: { [zlib.BROTLI_PARAM_QUALITY]: 3 } }),
}

export function createAnswer({
  request,
  response,
  compress,
  queryId,
  version,
}: {
  request: IncomingMessage
  response: ServerResponse
  compress: boolean
  queryId: string
  version: string
}): Answer {
  const encoding = compress ? acceptedEncoding(request.headers['accept-encoding']) : undefined
  // Names the frame of an error that comes after rows, so that no row can be taken for one.
  const tag = randomBytes(8).toString('hex')
  let sink: Writable | undefined

  response.setHeader('X-ClickHouse-Query-Id', queryId)
  response.setHeader('X-ClickHouse-Server-Display-Name', 'halfshake')
  response.setHeader('X-ClickHouse-Timezone', 'UTC')

  const open = (): Writable => {
    if (sink !== undefined) return sink
    response.setHeader('X-ClickHouse-Exception-Tag', tag)
    if (encoding === undefined) {
      sink = response
      return response
    }
    response.setHeader('Content-Encoding', encoding)
    sink = ENCODERS[encoding]()
    sink.on('error', () => response.destroy())
    // Not ended with it: after an error the answer is cut off instead.
    ;(sink as ReturnType<typeof createGzip>).pipe(response, { end: false })
    return sink
  }
  const finish = async () => {
    const stream = open()
    if (stream === response) return
    // Its last bytes come after it has taken the last of ours.
    const flushed = once(stream, 'end')
    stream.end()
    await flushed
  }
  return {
    setFormat(format) {
      response.setHeader('X-ClickHouse-Format', format)
      response.setHeader('Content-Type', contentTypeOf(format))
    },
    summarize(summary) {
      if (!response.headersSent) response.setHeader('X-ClickHouse-Summary', summaryText(summary))
    },
    async write(chunk) {
      if (!open().write(chunk)) await drained(open(), response)
    },
    async end() {
      await finish()
      response.end()
    },
    async fail(fault) {
      if (response.destroyed) return
      const text = faultText(fault, version)
      if (!response.headersSent && sink === undefined) {
        sendFault(response, fault, text)
        return
      }
      open().write(exceptionFrame(text, tag))
      if (open() !== response) await finish()
      // The body stays without its end: whoever does not know the frame sees that the answer broke off.
      await new Promise((resolve) => response.write('', resolve))
      response.socket?.destroySoon()
    },
  }
}

/** An answer that is nothing but an error. */
export function sendFault(response: ServerResponse, fault: Fault, text: string): void {
  response.statusCode = statusOf(fault)
  response.setHeader('X-ClickHouse-Exception-Code', String(fault.code))
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  if (response.statusCode === 401)
    response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"')
  if (response.statusCode === 503) response.setHeader('Retry-After', '1')
  response.end(text)
}

/** Source: https://clickhouse.com/docs/interfaces/http#http_response_codes_caveats */
function exceptionFrame(text: string, tag: string): string {
  return `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`
}

function acceptedEncoding(accept: string | string[] | undefined): keyof typeof ENCODERS | undefined {
  const names = String(accept ?? '')
    .split(',')
    .map((part) => part.split(';')[0]?.trim() ?? '')
  return (['gzip', 'br', 'deflate'] as const).find((name) => names.includes(name))
}

function drained(sink: Writable, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer)
      sink.off('drain', onDrain)
      response.off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onDrain = () => settle()
    const onClose = () => settle(new Error('the client went away'))
    const timer = setTimeout(() => {
      response.destroy()
      settle(new Error(`the client took nothing for ${STALLED_MS} ms`))
    }, STALLED_MS)
    sink.once('drain', onDrain)
    response.once('close', onClose)
    if (response.destroyed) onClose()
  })
}

function summaryText({ readRows, readBytes, writtenRows, writtenBytes, seconds }: Summary): string {
  return JSON.stringify({
    read_rows: String(readRows),
    read_bytes: String(readBytes),
    written_rows: String(writtenRows),
    written_bytes: String(writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(writtenRows),
    result_bytes: String(writtenBytes),
    elapsed_ns: String(Math.round(seconds * 1e9)),
  })
}
