import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Problem } from '../core/runtime/problem.ts'
import type { Turns } from '../core/runtime/turns.ts'

const unzip = promisify(gunzip)
/** Larger than zlib's 16 kB: a batch is some hundreds of kB, and every chunk is a turn through the thread pool. */
const UNZIP_CHUNK = 256 * 1024

/** Bytes that all requests together may hold in memory at one moment. */
export type Budget = {
  /** Takes bytes, or throws the Problem that tells the sender to come again. */
  take(bytes: number): void
  give(bytes: number): void
  used(): number
}

export function createBudget(maxBytes: number): Budget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > maxBytes) throw busy('too many batches are being received at once', 1)
      used += bytes
    },
    give(bytes) {
      used -= bytes
    },
    used: () => used,
  }
}

/**
 * The body of a batch, unzipped when it came zipped. Holds at most `maxBytes` of it, zipped or not: a body that
 * never ends and one that unzips to more than that are both cut off with 413. A body that stops coming is ended
 * after `timeoutMs`. All that is held is taken from the budget and given back when `use` is done.
 */
export async function withBody<T>(
  request: IncomingMessage,
  {
    maxBytes,
    timeoutMs,
    budget,
    unzipInTurn,
  }: { maxBytes: number; timeoutMs: number; budget: Budget; unzipInTurn: Turns },
  use: (body: Buffer) => Promise<T>,
): Promise<T> {
  const encoding = encodingOf(request)
  let held = 0
  const hold = (bytes: number) => {
    budget.take(bytes)
    held += bytes
  }
  try {
    const received = await receive(request, maxBytes, timeoutMs, hold)
    if (encoding === 'identity') return await use(received)
    const body = await unzipInTurn(async () => {
      hold(maxBytes)
      const unzipped = await decompress(received, maxBytes)
      // What unzipping could have taken and did not is free again.
      budget.give(maxBytes - unzipped.length)
      held -= maxBytes - unzipped.length
      return unzipped
    })
    return await use(body)
  } finally {
    budget.give(held)
  }
}

function receive(
  request: IncomingMessage,
  maxBytes: number,
  timeoutMs: number,
  hold: (bytes: number) => void,
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (act: () => void) => {
      clearTimeout(deadline)
      request.removeAllListeners('data')
      act()
    }
    const fail = (problem: Problem) => settle(() => reject(problem))
    const deadline = setTimeout(() => fail(tooSlow(timeoutMs)), timeoutMs)
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) {
        fail(tooLarge(maxBytes))
        return
      }
      try {
        hold(chunk.length)
      } catch (error) {
        settle(() => reject(error))
        return
      }
      chunks.push(chunk)
    })
    request.once('end', () => settle(() => resolve(Buffer.concat(chunks))))
    request.once('error', () => fail(brokenOff()))
    request.once('close', () => fail(brokenOff()))
  })
}

async function decompress(zipped: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unzip(zipped, { maxOutputLength: maxBytes, chunkSize: UNZIP_CHUNK })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new Problem({
      status: 400,
      type: 'bad-gzip',
      title: 'Body is not gzip',
      detail: `the body cannot be unzipped (${(error as Error).message}); send whole gzip data or leave Content-Encoding away`,
    })
  }
}

function encodingOf(request: IncomingMessage): 'gzip' | 'identity' {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding === 'gzip' || encoding === 'identity') return encoding
  throw new Problem({
    status: 415,
    type: 'unsupported-encoding',
    title: 'Content-Encoding not supported',
    detail: `Content-Encoding ${JSON.stringify(encoding)} is not supported; send gzip or identity`,
    headers: { 'Accept-Encoding': 'gzip, identity' },
  })
}

export function busy(detail: string, retryAfterSeconds: number): Problem {
  return new Problem({
    status: 503,
    type: 'busy',
    title: 'Come again later',
    detail: `${detail}; send the same batch again after the time in Retry-After`,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  })
}

function tooLarge(maxBytes: number): Problem {
  return new Problem({
    status: 413,
    type: 'too-large',
    title: 'Batch too large',
    detail: `a batch may have ${maxBytes} bytes, also after unzipping; send smaller ones (ingest.max_body)`,
    headers: { Connection: 'close' },
  })
}

function tooSlow(timeoutMs: number): Problem {
  return new Problem({
    status: 408,
    type: 'too-slow',
    title: 'Batch came too slowly',
    detail: `the whole batch must arrive within ${timeoutMs / 1000} s`,
    headers: { Connection: 'close' },
  })
}

function brokenOff(): Problem {
  return new Problem({
    status: 400,
    type: 'broken-off',
    title: 'Batch broke off',
    detail: 'the connection ended before the batch did',
  })
}
