import { isUtf8 } from 'node:buffer'
import type { ConnectionEvent } from './event.ts'
import { type LineError, parseEvent } from './parse.ts'

/** A refused line with its bytes as they came, so that nothing is dropped unseen. */
export type RefusedLine = LineError & {
  /** The line's bytes, at most `maxLineBytes` of them. */
  raw: Buffer
  /** How many bytes the line had. */
  bytes: number
}

export type ParsedBatch = {
  events: { line: number; event: ConnectionEvent }[]
  refused: RefusedLine[]
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Events as newline-delimited JSON, each line ended. */
export function serializeEvents(events: Iterable<ConnectionEvent>): string {
  let text = ''
  for (const event of events) text += `${JSON.stringify(event)}\n`
  return text
}

/**
 * Parses a body of newline-delimited JSON. Blank lines are passed over but counted as lines.
 * Never throws: what is not an event comes back under `refused` with its line, field and reason.
 */
export function parseEvents(body: Buffer, { maxLineBytes = 65_536 } = {}): ParsedBatch {
  const batch: ParsedBatch = { events: [], refused: [] }
  const sound = isUtf8(body)
  let line = 0
  for (let start = 0; start < body.length; ) {
    line += 1
    let end = body.indexOf(NEWLINE, start)
    if (end < 0) end = body.length
    const next = end + 1
    if (end > start && body[end - 1] === CARRIAGE_RETURN) end -= 1
    if (end > start) parseLine(batch, body.subarray(start, end), line, maxLineBytes, sound)
    start = next
  }
  return batch
}

function parseLine(
  batch: ParsedBatch,
  raw: Buffer,
  line: number,
  maxLineBytes: number,
  sound: boolean,
): void {
  const refuse = (error: LineError) =>
    batch.refused.push({ ...error, raw: raw.subarray(0, maxLineBytes), bytes: raw.length })
  if (raw.length > maxLineBytes) {
    refuse({
      line,
      field: null,
      reason: 'line_too_long',
      message: `a line of ${raw.length} bytes`,
      allowed: `at most ${maxLineBytes} bytes a line`,
    })
    return
  }
  if (!sound && !isUtf8(raw)) {
    refuse({ line, field: null, reason: 'not_utf8', message: 'not UTF-8', allowed: 'UTF-8 text' })
    return
  }
  const parsed = parseEvent(raw.toString('utf8'), line)
  if (parsed.ok) batch.events.push({ line, event: parsed.event })
  else refuse(parsed.error)
}
