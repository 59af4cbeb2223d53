import { isUtf8 } from 'node:buffer'
import type { ConnectionEvent } from './event.ts'
import { type LineError, type Parsed, parseEvent } from './parse.ts'

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
  /** Whether there were more lines than `maxLines`: those beyond are not in here. */
  cut: boolean
}

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
export function parseEvents(
  body: Buffer,
  { maxLineBytes = 65_536, maxLines = Number.POSITIVE_INFINITY } = {},
): ParsedBatch {
  const batch: ParsedBatch = { events: [], refused: [], cut: false }
  const sound = isUtf8(body)
  // One string for all lines: cutting it up is cheaper than decoding line by line. Where the bytes are not sound
  // each byte stands for itself, and only the lines that are at fault are refused.
  const text = body.toString(sound ? 'utf8' : 'latin1')
  let line = 0
  for (let start = 0; start < text.length; ) {
    line += 1
    if (line > maxLines) return { ...batch, cut: true }
    const newline = text.indexOf('\n', start)
    const next = newline < 0 ? text.length : newline
    const end = text.charCodeAt(next - 1) === CARRIAGE_RETURN && next > start ? next - 1 : next
    if (end > start) parseLine(batch, text.slice(start, end), line, maxLineBytes, sound)
    start = next + 1
  }
  return batch
}

function parseLine(
  batch: ParsedBatch,
  slice: string,
  line: number,
  maxLineBytes: number,
  sound: boolean,
): void {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (sound && slice.length * 3 <= maxLineBytes) {
    const parsed = parseEvent(slice, line)
    if (parsed.ok) batch.events.push({ line, event: parsed.event })
    else batch.refused.push(refused(parsed.error, Buffer.from(slice), maxLineBytes))
    return
  }
  parseRawLine(batch, Buffer.from(slice, sound ? 'utf8' : 'latin1'), line, maxLineBytes)
}

/** A line that is long, or of a body with bytes that are no UTF-8. */
function parseRawLine(batch: ParsedBatch, raw: Buffer, line: number, maxLineBytes: number): void {
  const parsed = parseRaw(raw, line, maxLineBytes)
  if (parsed.ok) batch.events.push({ line, event: parsed.event })
  else batch.refused.push(refused(parsed.error, raw, maxLineBytes))
}

function parseRaw(raw: Buffer, line: number, maxLineBytes: number): Parsed {
  if (raw.length > maxLineBytes) {
    const message = `a line of ${raw.length} bytes`
    const allowed = `at most ${maxLineBytes} bytes a line`
    return { ok: false, error: { line, field: null, reason: 'line_too_long', message, allowed } }
  }
  if (!isUtf8(raw)) {
    const error = {
      line,
      field: null,
      reason: 'not_utf8',
      message: 'not UTF-8',
      allowed: 'UTF-8 text',
    } as const
    return { ok: false, error }
  }
  return parseEvent(raw.toString('utf8'), line)
}

function refused(error: LineError, raw: Buffer, maxLineBytes: number): RefusedLine {
  return { ...error, raw: raw.subarray(0, maxLineBytes), bytes: raw.length }
}
