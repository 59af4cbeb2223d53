import type { Reply } from './transport.ts'

/** What a reply means for the batch. */
export type Verdict =
  /** Stored. */
  | { kind: 'stored'; answer: Answer }
  /** It can never succeed as it is. */
  | { kind: 'refused'; reason: string; message: string }
  /** It may succeed in smaller parts. */
  | { kind: 'too_large' }
  /** It may succeed later. */
  | { kind: 'later'; reason: string; delay: number }
  /** It may succeed once a person has changed something. */
  | { kind: 'blocked'; reason: string; message: string; delay: number }

/** Ingest's answer to a batch it stored. */
export type Answer = { rejected: number; duplicate: number; errors: LineError[] }
export type LineError = { line: number; field: string; reason: string; message: string; allowed: string }

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** Between attempts while a person has to do something. */
const BLOCKED_DELAY_MS = 60_000
/** No server is believed that asks for more than this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/**
 * Concludes from a reply. `attempt` counts from 1 the attempts at this batch, `random` is in [0, 1), `now` is the date
 * in ms: Retry-After may be one. Delays are in ms.
 */
export function verdictOn(reply: Reply, attempt: number, random: number, now: number): Verdict {
  const backOff = jitter(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)), random)
  if (reply.kind === 'failure') return { kind: 'later', reason: reply.reason, delay: backOff }
  const { status } = reply
  const reason = `http_${status}`
  if (status === 202) return { kind: 'stored', answer: answerIn(reply.body) }
  if (status === 400 || status === 415 || status === 422) {
    return { kind: 'refused', reason, message: messageIn(reply.body) }
  }
  if (status === 413) return { kind: 'too_large' }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { kind: 'later', reason, delay: retryAfter(reply.retryAfter, now) ?? backOff }
  }
  // 401 and 403: the token. Anything else: something that is not our ingest answers at this address.
  const delay = retryAfter(reply.retryAfter, now) ?? jitter(BLOCKED_DELAY_MS, random)
  return { kind: 'blocked', reason, message: messageIn(reply.body), delay }
}

/** Between a half and the whole of a delay, so that agents that failed together do not come back together. */
function jitter(delay: number, random: number): number {
  return Math.round(delay * (0.5 + random / 2))
}

/** Retry-After (RFC 9110, section 10.2.3): seconds or a date. Undefined when absent or neither. */
function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const delay = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(delay) ? undefined : Math.min(Math.max(delay, 0), LONGEST_RETRY_AFTER_MS)
}

/** A `202` means stored, whatever its body says: an unreadable one only tells less. */
function answerIn(body: string): Answer {
  const answer = parse(body)
  const errors = Array.isArray(answer['errors']) ? answer['errors'] : []
  return {
    rejected: count(answer['rejected']),
    duplicate: count(answer['duplicate']),
    errors: errors.map(lineError),
  }
}

function lineError(value: unknown): LineError {
  const error = fieldsOf(value)
  const text = (name: string) => String(error[name] ?? '')
  return {
    line: count(error['line']),
    field: text('field'),
    reason: text('reason') || 'unknown',
    message: text('message'),
    allowed: text('allowed'),
  }
}

/** What an error answer says: the detail of a problem document (RFC 9457), or its first words. */
function messageIn(body: string): string {
  const { detail, title, message } = parse(body)
  const text = [detail, title, message].find((part) => typeof part === 'string')
  return String(text ?? body).slice(0, 200)
}

function parse(body: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(body))
  } catch {
    return {}
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  // Any object can be read by name; what is found is checked where it is used.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0
}
