import type { RequestHandler, Response } from 'express'
import { z } from 'zod'
import type { ChangeStream, Sink } from './change-stream.ts'
import { badParameters, readParameters } from './parameters.ts'

/** After a break, a browser comes again so soon. */
const RETRY_MS = 3_000
const HEADER = 'Last-Event-ID'

/**
 * Changes as server-sent events, from now on, or after the one that `Last-Event-ID` names.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function listenTo({
  last,
  stream,
}: {
  /** The number of the last change. */
  last: () => Promise<number>
  stream: ChangeStream
}): RequestHandler {
  return async (request, response) => {
    const read = readParameters(z.strictObject({}), { ...request.query })
    if (!read.ok) throw badParameters(read.mistakes)
    const after = placeOf(request.get(HEADER), await last())
    if (response.destroyed) return
    if (request.method === 'HEAD') {
      open(response)
      response.end()
      return
    }
    const leave = stream.listen(sinkOf(response), after)
    response.on('close', leave)
    open(response)
    // An id without data: who loses the connection before the first change resumes from here.
    response.write(`retry: ${RETRY_MS}\nid: ${after}\n\n`)
  }
}

/** One event as the stream has it. JSON has no line breaks of its own. */
export function eventText({ sequence, event }: { sequence: number; event: string }, data: unknown): string {
  return `id: ${sequence}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function open(response: Response): void {
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    // nginx would hold events back until a buffer is full.
    'X-Accel-Buffering': 'no',
    // The stream ends with the connection, so that a server that stops need not wait for an idle one.
    Connection: 'close',
  })
  response.flushHeaders()
}

function sinkOf(response: Response): Sink {
  return {
    write: (text) => void response.write(text),
    buffered: () => response.writableLength,
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  }
}

/** The number after which to begin. One ahead of everything stored is of another store: going on would miss what this one tells. */
function placeOf(given: string | undefined, last: number): number {
  if (given === undefined || given === '') return last
  const place = /^\d{1,15}$/.test(given) ? Number(given) : undefined
  if (place !== undefined && place <= last) return place
  throw badParameters([
    {
      parameter: HEADER,
      message: `${HEADER} is ${JSON.stringify(given.slice(0, 80))}`,
      allowed: `the id of an event sent here, a whole number up to ${last}; leave it out to begin now`,
    },
  ])
}
