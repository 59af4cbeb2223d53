import type { Clock } from '../clock.ts'
import type { AgentLog, Once } from '../log.ts'
import type { Listed } from './batch.ts'
import { add, type ReporterCounts } from './counts.ts'
import { createPause } from './pause.ts'
import type { Sealer } from './sealer.ts'
import type { Spool } from './spool.ts'
import type { Transport } from './transport.ts'
import { type Answer, type Verdict, verdictOn } from './verdict.ts'

/** Sends the spool's batches, one at a time, each until its fate is known. */
export type Sender = {
  /** There is something to send. */
  wake(): void
  /** Sends until the spool is empty, or until the next attempt would lie past `until` (steady clock, ms). */
  finish(until: number): Promise<void>
  stop(): void
}

export type SenderParts = {
  spool: Spool
  sealer: Pick<Sealer, 'split'>
  transport: Transport
  counts: ReporterCounts
  clock: Clock
  /** In [0, 1). */
  random: () => number
  log: AgentLog
  once: Once
}

/** After so many failed attempts in a row the operator is told. */
const TELL_AFTER = 3

export function createSender(parts: SenderParts): Sender {
  const { spool, sealer, transport, counts, clock, random, log, once } = parts
  const pause = createPause(clock)
  let running: Promise<void> | undefined
  let stopped = false
  let attempts = 0

  async function run(): Promise<void> {
    for (let next = spool.first(); next !== undefined && !stopped; next = spool.first()) {
      const delay = await attempt(next)
      if (delay !== undefined && !stopped && !(await pause.for(delay.ms, delay.asked))) return
    }
  }

  /** Sends a batch once; returns how long to wait before the next attempt, undefined for not at all. */
  async function attempt(listed: Listed): Promise<{ ms: number; asked: boolean } | undefined> {
    const body = await spool.read(listed)
    if (body === undefined) {
      add(counts.dropped, 'spool_damaged', listed.events)
      await spool.remove(listed)
      return undefined
    }
    listed.attempted = true
    attempts += 1
    const reply = await transport.post({ ...listed, body })
    // What was cut off by the end of the agent stays in the spool: nobody knows whether it was stored.
    if (stopped && reply.kind === 'failure') return undefined
    const verdict = verdictOn(reply, attempts, random(), clock.date())
    if (verdict.kind === 'later' || verdict.kind === 'blocked') {
      tell(verdict)
      const asked = verdict.kind === 'blocked' || (reply.kind === 'answer' && reply.retryAfter !== undefined)
      return { ms: verdict.delay, asked }
    }
    await settle(verdict, listed, body)
    attempts = 0
    return undefined
  }

  /** The fate of a batch is known: it leaves the spool. */
  async function settle(
    verdict: Exclude<Verdict, { kind: 'later' | 'blocked' }>,
    listed: Listed,
    body: Buffer,
  ): Promise<void> {
    if (verdict.kind === 'stored') countAnswer(verdict.answer, listed.events)
    else if (verdict.kind === 'refused') refuse(verdict.reason, verdict.message, listed.events)
    else if (listed.events <= 1) refuse('http_413', 'one event is too large', listed.events)
    else {
      add(counts.failedRequests, 'http_413', 1)
      await sealer.split({ ...listed, body })
    }
    if (verdict.kind === 'stored' && once.clear('ingest')) log.info({}, 'ingest takes events again')
    await spool.remove(listed)
  }

  function countAnswer({ rejected, duplicate, errors }: Answer, events: number): void {
    counts.duplicate += Math.min(duplicate, events)
    counts.delivered += Math.max(0, events - rejected - duplicate)
    for (const error of errors.slice(0, rejected)) {
      add(counts.rejected, error.reason, 1)
      once.say(`rejected ${error.reason}`, () =>
        log.warn({ ...error }, `ingest rejected an event: ${error.message}; allowed: ${error.allowed}`),
      )
    }
    if (rejected > errors.length) add(counts.rejected, 'unlisted', rejected - errors.length)
  }

  function refuse(reason: string, message: string, events: number): void {
    add(counts.rejected, reason, events)
    add(counts.failedRequests, reason, 1)
    once.say(`refused ${reason}`, () =>
      log.error({ reason, events }, `ingest refused a batch, it is given up: ${message}`),
    )
  }

  function tell(verdict: Extract<Verdict, { kind: 'later' | 'blocked' }>): void {
    const { reason } = verdict
    add(counts.failedRequests, reason, 1)
    if (verdict.kind === 'blocked') {
      once.say('ingest', () =>
        log.error(
          { reason },
          `ingest does not let the agent in (${reason}), events are kept: ${verdict.message}`,
        ),
      )
    } else if (attempts >= TELL_AFTER) {
      once.say('ingest', () => log.warn({ reason }, `ingest cannot be reached (${reason}), events are kept`))
    }
  }

  const wake = () => {
    if (running === undefined && !stopped && spool.batches > 0) running = run().then(rest, fail)
  }
  const rest = () => {
    running = undefined
    // A batch may have come in while the loop was ending; what `finish` gave up waits until that is over.
    if (!pause.givenUp) wake()
  }
  /** Nothing above is expected to throw; should it, the application must not feel it. */
  const fail = (error: unknown) => {
    running = undefined
    once.say('sender', () => log.error({ error: String(error) }, `the agent cannot send: ${String(error)}`))
  }

  return {
    wake,
    async finish(until) {
      pause.notPast(until)
      wake()
      while (running !== undefined) await running
      pause.notPast(undefined)
      wake()
    },
    stop() {
      stopped = true
      pause.notPast(Number.NEGATIVE_INFINITY)
      transport.close()
    },
  }
}
