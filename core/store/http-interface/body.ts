import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Fault, fault } from './fault.ts'

const DECODERS: Record<string, (() => Transform) | undefined> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** The whole body, decompressed; a fault when it has more than `limit` bytes, before or after. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  const collect = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      parts.push(chunk)
      done()
    },
  })
  const hint = 'send the statement in the URL and its data as the body'
  await flow(request, bounded(limit, `Query is too large: more than ${limit} bytes; ${hint}`), collect)
  return Buffer.concat(parts)
}

/** Writes `head` and then the body, decompressed, into a file; resolves with its size in bytes. */
export async function writeBody(
  request: IncomingMessage,
  { path, head, limit }: { path: string; head: Buffer; limit: number },
): Promise<number> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  file.write(head)
  const bound = bounded(limit, `the data is too large: more than ${limit} bytes`)
  await flow(request, bound, file)
  return head.length + bound.seen()
}

async function flow(
  request: IncomingMessage,
  bound: Transform,
  to: NodeJS.WritableStream & { end(): unknown },
): Promise<void> {
  refuseForms(request)
  const name = request.headers['content-encoding'] ?? 'identity'
  const decoder = DECODERS[name]
  if (name !== 'identity' && name !== '' && decoder === undefined) {
    throw fault.notImplemented(`Content-Encoding ${name} is not understood; gzip, deflate and br are`)
  }
  const source: Readable = request
  try {
    if (decoder === undefined) await pipeline(source, bound, to)
    else await pipeline(source, decoder(), bound, to)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      23,
      'CANNOT_READ_FROM_ISTREAM',
      'the body broke off or is not what Content-Encoding says',
      {
        cause: error,
      },
    )
  }
}

/** Tables sent with the request, or parameters as a form. */
function refuseForms(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/')) return
  throw fault.notImplemented('multipart bodies are not taken here: send parameters in the URL as param_name')
}

function bounded(limit: number, message: string): Transform & { seen(): number } {
  let seen = 0
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > limit) done(fault.tooLarge(message))
      else done(null, chunk)
    },
  })
  return Object.assign(bound, { seen: () => seen })
}
