import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { Problem } from '../core/runtime/problem.ts'
import type { ListenerMetrics } from './listener-metrics.ts'

export type ListeningLimits = {
  /** Listeners at a time; one more is refused. */
  listeners: number
  /** Bytes written to a listener that it has not read yet. At so many it is given no more … */
  bufferedBytes: number
  /** … and is disconnected when it has still not read so long after. */
  slowMs: number
  /** How often the store is asked while anybody listens. */
  pollMs: number
  /** A comment after so long a silence keeps proxies from ending the connection. */
  heartbeatMs: number
  /** How long a number that is missing is waited for: another node of a cluster may have it first. */
  gapMs: number
}

export const DEFAULT_LISTENING: ListeningLimits = {
  listeners: 100,
  bufferedBytes: 256 * 1_024,
  slowMs: 10_000,
  pollMs: 1_000,
  heartbeatMs: 15_000,
  gapMs: 30_000,
}

/** Where a listener's events go. */
export type Sink = {
  write(text: string): void
  /** Bytes written and not taken yet. */
  buffered(): number
  end(): void
  /** Ends it without waiting for what is buffered. */
  destroy(): void
}

/** Changes in the order of their numbers, which count up by one. */
export type ChangeSource = {
  /** Of what they are changes, as logs and metrics call it. */
  of: string
  /** The next ones after this number, so many at most, as text of the stream. */
  after(sequence: number, limit: number): Promise<readonly NumberedText[]>
}

export type NumberedText = { sequence: number; text: string }

/**
 * Tells listeners of changes. One poll of the store serves all of them, and there is none while nobody
 * listens. Every listener has a place of its own, the number of the last change it was given: one that reads slowly falls
 * behind without anything being kept for it here.
 */
export type ChangeStream = Component & {
  /** Gives the sink all changes after this number. Returns what ends that. Throws a 503 problem when there are too many. */
  listen(sink: Sink, after: number): () => void
}

type Listener = { sink: Sink; position: number; spokenAt: number; fullSince: number | undefined }
type End = 'left' | 'slow' | 'shutdown'

const PAGE = 500

export function createChangeStream({
  source,
  metrics,
  log,
  limits = DEFAULT_LISTENING,
  elapsed = () => performance.now(),
}: {
  source: ChangeSource
  metrics: ListenerMetrics
  log: Logger
  limits?: ListeningLimits
  /** Milliseconds since some moment. */
  elapsed?: () => number
}): ChangeStream {
  const listeners = new Set<Listener>()
  metrics.watch(source.of, () => listeners.size)
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let stopped = false
  let gap = { missing: 0, since: 0 }

  function listen(sink: Sink, after: number): () => void {
    if (stopped || listeners.size >= limits.listeners) throw tooMany(limits.listeners, stopped)
    const listener: Listener = { sink, position: after, spokenAt: elapsed(), fullSince: undefined }
    listeners.add(listener)
    schedule(0)
    return () => leave(listener, 'left')
  }

  function leave(listener: Listener, reason: End): void {
    if (listeners.delete(listener)) metrics.ended(source.of, reason)
  }

  function schedule(inMs: number): void {
    if (stopped || timer !== undefined || polling !== undefined || listeners.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      polling = turn().finally(() => {
        polling = undefined
        schedule(limits.pollMs)
      })
    }, inMs)
  }

  async function turn(): Promise<void> {
    for (const listener of listeners) dropSlow(listener)
    try {
      await poll()
    } catch (error) {
      log.warn({ error: String(error) }, `changes of ${source.of} could not be read; trying again`)
    }
    for (const listener of listeners) keepAlive(listener)
  }

  /** Pages on from whoever is furthest behind and reads, until all of these have everything. */
  async function poll(): Promise<void> {
    while (!stopped) {
      const ready = [...listeners].filter(({ fullSince }) => fullSince === undefined)
      if (ready.length === 0) return
      const from = Math.min(...ready.map(({ position }) => position))
      const whole = withoutGap(await source.after(from, PAGE), from)
      for (const listener of ready) if (listeners.has(listener)) give(listener, whole)
      if (whole.length < PAGE) return
    }
  }

  function give(listener: Listener, changes: readonly NumberedText[]): void {
    for (const { sequence, text } of changes) {
      if (sequence <= listener.position) continue
      if (listener.sink.buffered() >= limits.bufferedBytes) {
        listener.fullSince = elapsed()
        return
      }
      listener.sink.write(text)
      listener.position = sequence
      listener.spokenAt = elapsed()
    }
  }

  /** Numbers have no gaps: what comes after one that is missing waits for it. */
  function withoutGap(rows: readonly NumberedText[], from: number): readonly NumberedText[] {
    let expected = from + 1
    for (const [i, { sequence }] of rows.entries()) {
      if (sequence !== expected && !isGivenUp(expected)) return rows.slice(0, i)
      expected = sequence + 1
    }
    return rows
  }

  function isGivenUp(missing: number): boolean {
    if (gap.missing !== missing) gap = { missing, since: elapsed() }
    if (elapsed() - gap.since < limits.gapMs) return false
    log.error({ missing }, `a change of ${source.of} is missing in the store; going on without it`)
    return true
  }

  function dropSlow(listener: Listener): void {
    const { sink, fullSince } = listener
    if (fullSince === undefined) return
    if (sink.buffered() < limits.bufferedBytes) listener.fullSince = undefined
    else if (elapsed() - fullSince >= limits.slowMs) {
      leave(listener, 'slow')
      sink.destroy()
    }
  }

  function keepAlive(listener: Listener): void {
    if (listener.fullSince !== undefined || elapsed() - listener.spokenAt < limits.heartbeatMs) return
    listener.sink.write(': nothing new\n\n')
    listener.spokenAt = elapsed()
  }

  return {
    name: `listeners to ${source.of}`,
    listen,
    async start() {
      stopped = false
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      timer = undefined
      for (const listener of listeners) {
        leave(listener, 'shutdown')
        listener.sink.end()
      }
      await polling
    },
  }
}

function tooMany(listeners: number, stopped: boolean): Problem {
  return new Problem({
    status: 503,
    type: stopped ? 'stopping' : 'too-many-listeners',
    title: stopped ? 'Server is stopping' : 'Too many listeners',
    detail: stopped
      ? 'the server is stopping; come again when it is back'
      : `${listeners} listen already, which is the most allowed; come again later`,
    headers: { 'Retry-After': '5' },
  })
}
