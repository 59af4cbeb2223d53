import { type Request, type Response, Router } from 'express'
import { Counter, Gauge, type Registry } from 'prom-client'
import { type Batch, BatchTooLarge, type Bus, BusFull, type Receipt } from '../core/bus/bus.ts'
import { isDeciding, parseEvents, type RefusedLine } from '../core/event/index.ts'
import type { Logger } from '../core/runtime/log.ts'
import { Problem } from '../core/runtime/problem.ts'
import type { Authorize } from '../core/runtime/tokens.ts'
import { createTurns } from '../core/runtime/turns.ts'
import { type Budget, busy, createBudget, withBody } from './body.ts'
import { clockMistake } from './clock.ts'
import { type BatchIdentity, checkMediaType, readIdentity } from './headers.ts'

/** A refused line in the answer: everything but its bytes. */
type LineAnswer = { line: number; field: string | null; reason: string; message: string; allowed: string }

/** Of a batch full of mistakes the answer names so many; all are kept as dead letters. */
const ERRORS_IN_ANSWER = 100
/**
 * Lines in a batch. A line of two bytes costs hundreds in memory, so the bound on bytes alone is none; agents of ours
 * send 10,000 at most, and halve what is refused for its size.
 */
const LINES_AT_MOST = 50_000
/** Batches of the largest size that may be held in memory at once. */
const BODIES_AT_ONCE = 12
/** Unzipped at once: while it is unzipped a batch counts as if it were of the largest size. */
const UNZIPPED_AT_ONCE = 4
const BODY_TIMEOUT_MS = 30_000
/** How long an agent waits for its batch to be durable before it is told to send it again. */
const STORE_TIMEOUT_MS = 20_000
const LINGER_MS = 1_000

/**
 * `POST /v1/events`: takes a batch of events, hands it to the bus, and answers 202 when it is durable. A batch that
 * is sent again while its first sending is still on the way waits for that one.
 */
export function createIngestRouter({
  bus,
  authorize,
  limits,
  registry,
  now,
  log,
}: {
  bus: Bus
  authorize: Authorize
  limits: { maxBodyBytes: number; maxLineBytes: number; retentionMs: number }
  registry: Registry
  now: () => number
  log: Logger
}): Router {
  const budget = createBudget(limits.maxBodyBytes * BODIES_AT_ONCE)
  const unzipInTurn = createTurns(UNZIPPED_AT_ONCE)
  const metrics = createMetrics(registry, budget)
  const underWay = new Map<string, Promise<Receipt>>()
  const router = Router()
  router.post('/v1/events', async (request, response) => {
    try {
      authorize(request.headers.authorization, 'ingest')
      checkMediaType(request.headers)
      const identity = readIdentity(request.headers)
      const options = { maxBytes: limits.maxBodyBytes, timeoutMs: BODY_TIMEOUT_MS, budget, unzipInTurn }
      await withBody(request, options, (body) => take(identity, body, response))
    } catch (error) {
      const problem = problemOf(error)
      if (problem instanceof Problem) metrics.refused.inc({ reason: problem.type })
      endAfterAnswer(request, response)
      throw problem
    }
  })
  return router

  async function take(identity: BatchIdentity, body: Buffer, response: Response): Promise<void> {
    const { batch, answers } = readBatch(identity, body, { ...limits, now: now() })
    metrics.bytes.inc(body.length)
    const receipt = await publish(batch)
    metrics.batches.inc()
    if (!receipt.duplicate) {
      metrics.events.inc(receipt.accepted)
      for (const { reason } of answers) metrics.rejected.inc({ reason })
      if (answers.length > 0)
        log.warn({ ...identity, rejected: answers.length, first: answers[0] }, 'lines rejected')
    }
    const errors = answers.slice(0, ERRORS_IN_ANSWER)
    if (receipt.accepted === 0 && !receipt.duplicate) throw nothingGood(answers, errors)
    response.status(202).json({ ...receipt, errors })
  }

  function publish(batch: Batch): Promise<Receipt> {
    const key = `${batch.epoch} ${batch.sequence} ${batch.agent}`
    const first = underWay.get(key)
    const receipt = first ?? bus.publish(batch).finally(() => underWay.delete(key))
    if (first === undefined) underWay.set(key, receipt)
    return within(receipt, STORE_TIMEOUT_MS)
  }
}

/** Sorts the lines of a body: events that decide, events that only open, and what was refused. */
function readBatch(
  identity: BatchIdentity,
  body: Buffer,
  { maxLineBytes, retentionMs, now }: { maxLineBytes: number; retentionMs: number; now: number },
): { batch: Batch; answers: LineAnswer[] } {
  const parsed = parseEvents(body, { maxLineBytes, maxLines: LINES_AT_MOST })
  if (parsed.cut) throw tooManyLines()
  const batch: Batch = {
    ...identity,
    received_at: now,
    bus_partition: 0,
    bus_offset: 0,
    events: [],
    opened: 0,
    refused: [],
  }
  const answers: LineAnswer[] = []
  const refuse = ({ raw, bytes, ...answer }: LineAnswer & Pick<RefusedLine, 'raw' | 'bytes'>) => {
    const { line, field, reason, message } = answer
    batch.refused.push({ line, field: field ?? '', reason, message, raw, bytes })
    answers.push(answer)
  }
  for (const refused of parsed.refused) refuse(refused)
  for (const { line, event } of parsed.events) {
    const mistake = clockMistake(event, { now, retentionMs })
    if (mistake !== undefined) {
      const raw = Buffer.from(JSON.stringify(event))
      refuse({ line, reason: 'clock', ...mistake, raw, bytes: raw.length })
    } else if (isDeciding(event)) batch.events.push({ line, event })
    else batch.opened += 1
  }
  if (batch.events.length + batch.opened + batch.refused.length === 0) throw empty()
  return { batch, answers }
}

/** What the bus refuses, in the words of HTTP. */
function problemOf(error: unknown): unknown {
  if (error instanceof BusFull) return busy(error.message, error.retryAfterSeconds)
  if (!(error instanceof BatchTooLarge)) return error
  return new Problem({
    status: 413,
    type: 'too-large',
    title: 'Batch too large',
    detail: `${error.message}; send smaller batches (kafka.max_message)`,
  })
}

/**
 * A request that was refused before its body was read cannot be followed by another on its connection. What still
 * comes is thrown away for a moment, so that the sender gets to read the answer rather than a reset.
 */
function endAfterAnswer(request: Request, response: Response): void {
  if (request.complete) return
  response.setHeader('Connection', 'close')
  request.resume()
  const cut = setTimeout(() => request.destroy(), LINGER_MS)
  request.once('close', () => clearTimeout(cut))
}

async function within(receipt: Promise<Receipt>, ms: number): Promise<Receipt> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(busy('the store is slow', 2)), ms)
  })
  try {
    return await Promise.race([receipt, late])
  } finally {
    clearTimeout(timer)
  }
}

function nothingGood(answers: readonly LineAnswer[], errors: readonly LineAnswer[]): Problem {
  const [first] = answers
  const where = first === undefined ? '' : `line ${first.line}: ${first.message}; allowed: ${first.allowed}`
  return new Problem({
    status: 400,
    type: 'no-valid-event',
    title: 'No valid event in the batch',
    detail: `${answers.length} of ${answers.length} lines rejected and kept as dead letters. ${where}`,
    members: { accepted: 0, rejected: answers.length, errors },
  })
}

function tooManyLines(): Problem {
  return new Problem({
    status: 413,
    type: 'too-large',
    title: 'Batch too large',
    detail: `a batch may have ${LINES_AT_MOST} lines; send smaller ones`,
  })
}

function empty(): Problem {
  return new Problem({
    status: 400,
    type: 'empty-batch',
    title: 'Empty batch',
    detail: 'the body has no line; send one JSON event a line',
  })
}

function createMetrics(registry: Registry, budget: Budget) {
  const registers = [registry]
  new Gauge({
    name: 'halfshake_ingest_held_bytes',
    help: 'Bytes of batches held in memory.',
    registers,
    collect() {
      this.set(budget.used())
    },
  })
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `halfshake_ingest_${name}_total`, help, labelNames, registers })
  return {
    bytes: counter('received_bytes', 'Bytes of batches received, unzipped.'),
    batches: counter('batches', 'Batches answered as durable.'),
    events: counter('events', 'Events accepted.'),
    rejected: counter('events_rejected', 'Events rejected, by reason.', ['reason']),
    refused: counter('batches_refused', 'Batches refused, by reason.', ['reason']),
  }
}
