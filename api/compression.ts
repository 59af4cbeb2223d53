import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, Response } from 'express'

const compress = promisify(gzip)

/** Smaller bodies fit into one packet anyway. */
const WORTH_IT = 1_024

/** Sends a JSON answer, gzipped for whom it spares packets: lists of alike items shrink to a fifth. */
export async function sendJson(request: Request, response: Response, answer: unknown): Promise<void> {
  const body = Buffer.from(JSON.stringify(answer))
  response.type('json').vary('Accept-Encoding')
  if (body.length < WORTH_IT || !takesGzip(request)) {
    response.send(body)
    return
  }
  const zipped = await compress(body)
  response.set('Content-Encoding', 'gzip').send(zipped)
}

/** Whether the client unpacks gzip. */
export function takesGzip(request: Request): boolean {
  return request.acceptsEncodings('gzip') === 'gzip'
}
