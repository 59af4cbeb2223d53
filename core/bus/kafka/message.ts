import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import { checkEvent, isDeciding } from '../../event/index.ts'
import { type Batch, BatchTooLarge, type DeadLine } from '../bus.ts'
import { countHeader, type Headers, header } from './headers.ts'

/** A batch as it lies on the topic: the agent is the key, so that its batches keep their order. */
export type EncodedBatch = { key: string; value: Buffer; headers: Record<string, string> }

/** A message as it comes from the topic. */
export type RawMessage = {
  partition: number
  offset: number
  key: Buffer | null
  value: Buffer | null
  headers: Headers
}

/** Why a message is no batch. Stable: these are metric labels and dead-letter reasons. */
export const BAD_MESSAGES = [
  'too_large',
  'empty',
  'unknown_schema',
  'bad_header',
  'bad_gzip',
  'not_json',
  'bad_event',
  'incomplete',
] as const
export type BadMessage = (typeof BAD_MESSAGES)[number]

export type Decoded = { ok: true; batch: Batch } | { ok: false; reason: BadMessage; detail: string }

/** Version of what is written here; a reader refuses what it does not know. */
const SCHEMA = '1'
/** The fastest level: events are repetitive, and a higher one costs three times as much for a tenth less. */
const LEVEL = constants.Z_BEST_SPEED
const MAX_AGENT_BYTES = 128
/** What is kept of a refused line when the whole would not fit. */
const SHORTENED_RAW = 256

const zip = promisify(gzip)
const unzip = promisify(gunzip)

/**
 * A batch as a message: its value is gzip of newline-delimited JSON, one line for each event and each refused line.
 * Compressed here and not by the producer, so that a reader can bound what it unzips and a broken message breaks
 * nothing but itself. Throws `BatchTooLarge` beyond `maxBytes`, after shortening the bytes kept of refused lines.
 */
export async function encodeBatch(batch: Batch, maxBytes: number): Promise<EncodedBatch> {
  let value = await zip(linesOf(batch), { level: LEVEL })
  if (value.length > maxBytes && batch.refused.length > 0) {
    value = await zip(linesOf(batch, SHORTENED_RAW), { level: LEVEL })
  }
  if (value.length > maxBytes) {
    throw new BatchTooLarge(`a message of ${value.length} bytes; the bus takes ${maxBytes}`)
  }
  const headers = {
    schema: SCHEMA,
    encoding: 'gzip',
    epoch: String(batch.epoch),
    sequence: String(batch.sequence),
    received_at: String(batch.received_at),
    opened: String(batch.opened),
    events: String(batch.events.length),
    refused: String(batch.refused.length),
  }
  return { key: batch.agent, value, headers }
}

/** The batch of a message, or why there is none. Never throws, whatever the bytes. */
export async function decodeMessage(
  message: RawMessage,
  { maxBytes, maxUnzippedBytes }: { maxBytes: number; maxUnzippedBytes: number },
): Promise<Decoded> {
  const { value, key } = message
  if (value === null || value.length === 0 || key === null) return bad('empty', 'no key or no value')
  if (value.length > maxBytes) return bad('too_large', `${value.length} bytes; at most ${maxBytes} are read`)
  const schema = header(message.headers, 'schema')
  if (schema !== SCHEMA) return bad('unknown_schema', `schema ${schema ?? 'not given'}; this reads ${SCHEMA}`)
  const identity = readIdentity(message, key)
  if (!identity.ok) return identity
  const text = await unzipped(value, header(message.headers, 'encoding'), maxUnzippedBytes)
  if (typeof text !== 'string') return text
  return readLines(identity.batch, text, message.headers)
}

function linesOf(batch: Batch, maxRaw = Number.POSITIVE_INFINITY): string {
  let text = ''
  for (const { line, event } of batch.events) text += `{"line":${line},"event":${JSON.stringify(event)}}\n`
  for (const { raw, ...about } of batch.refused) {
    const kept = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, maxRaw))
    text += `${JSON.stringify({ ...about, raw: kept.toString('base64') })}\n`
  }
  return text
}

function readIdentity({ headers, partition, offset }: RawMessage, key: Buffer): Decoded {
  const [epoch, sequence, receivedAt, opened] = ['epoch', 'sequence', 'received_at', 'opened'].map((name) =>
    countHeader(headers, name),
  )
  if (epoch === undefined || sequence === undefined || receivedAt === undefined || opened === undefined) {
    return bad('bad_header', 'epoch, sequence, received_at and opened must be whole numbers')
  }
  if (key.length > MAX_AGENT_BYTES || !isUtf8(key)) {
    return bad('bad_header', `the key is no name of an agent: ${key.length} bytes`)
  }
  const batch: Batch = {
    agent: key.toString('utf8'),
    epoch,
    sequence,
    received_at: receivedAt,
    bus_partition: partition,
    bus_offset: offset,
    events: [],
    opened,
    refused: [],
  }
  return { ok: true, batch }
}

async function unzipped(
  value: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<string | Decoded> {
  let bytes = value
  if (encoding === 'gzip') {
    try {
      bytes = await unzip(value, { maxOutputLength: maxBytes })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ERR_BUFFER_TOO_LARGE') return bad('too_large', `unzips to more than ${maxBytes} bytes`)
      return bad('bad_gzip', message)
    }
  } else if (encoding !== undefined) return bad('bad_header', `encoding ${encoding}; this reads gzip`)
  return isUtf8(bytes) ? bytes.toString('utf8') : bad('not_json', 'not UTF-8')
}

function readLines(batch: Batch, text: string, headers: Headers): Decoded {
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start)
    if (end < 0) end = text.length
    const mistake = end > start ? readLine(batch, text.slice(start, end)) : undefined
    if (mistake !== undefined) return mistake
    start = end + 1
  }
  const { events, refused } = batch
  if (
    countHeader(headers, 'events') !== events.length ||
    countHeader(headers, 'refused') !== refused.length
  ) {
    return bad('incomplete', `${events.length} events and ${refused.length} refused lines; others announced`)
  }
  return { ok: true, batch }
}

function readLine(batch: Batch, text: string): Decoded | undefined {
  let value: Record<string, unknown>
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return bad('bad_event', 'a line that is no object')
    value = parsed as Record<string, unknown>
  } catch (error) {
    return bad('not_json', (error as Error).message)
  }
  const { line, event } = value
  if (!isCount(line)) return bad('bad_event', 'a line without its number')
  if (event === undefined) return readRefused(batch, line, value)
  if (typeof event !== 'object' || event === null) return bad('bad_event', 'an event that is no object')
  const checked = checkEvent(event as Record<string, unknown>, line)
  if (!checked.ok) return bad('bad_event', `line ${line}: ${checked.error.message}`)
  if (!isDeciding(checked.event)) return bad('bad_event', `line ${line}: an event that decides nothing`)
  batch.events.push({ line, event: checked.event })
  return undefined
}

function readRefused(batch: Batch, line: number, value: Record<string, unknown>): Decoded | undefined {
  const { reason, field, message, bytes, raw } = value
  if (
    typeof reason !== 'string' ||
    typeof field !== 'string' ||
    typeof message !== 'string' ||
    !isCount(bytes) ||
    typeof raw !== 'string'
  ) {
    return bad('bad_event', `line ${line}: neither an event nor a refused line`)
  }
  const refused: DeadLine = { line, reason, field, message, bytes, raw: Buffer.from(raw, 'base64') }
  batch.refused.push(refused)
  return undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function bad(reason: BadMessage, detail: string): Extract<Decoded, { ok: false }> {
  return { ok: false, reason, detail: detail.slice(0, 500) }
}
