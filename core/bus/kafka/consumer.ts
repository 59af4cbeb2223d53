import type { Registry } from 'prom-client'
import type { Check } from '../../runtime/health.ts'
import type { Component } from '../../runtime/lifecycle.ts'
import type { Logger } from '../../runtime/log.ts'
import { connectKafka, explainKafkaError, type KafkaConnection } from './connection.ts'
import { createConsumerMetrics } from './consumer-metrics.ts'
import type { RangeLimits } from './cut.ts'
import { createDeadLetters } from './dead-letters.ts'
import { backOff, pause } from './pause.ts'
import { createRangeWriter, type RangeHandler, type Step } from './range-writer.ts'
import { createReadiness } from './readiness.ts'
import { createSender } from './sender.ts'
import { createSession, Fatal, type FetchLimits, type GroupTiming, type Session } from './session.ts'
import { ensureTopics, type TopicSettings, withAdmin } from './topics.ts'

/** Bounds of what is held in memory and written as one. */
export type ConsumerLimits = {
  range: RangeLimits
  fetch: FetchLimits
  /** Of one message when unzipped. */
  maxUnzippedBytes: number
}

export const CONSUMER_LIMITS: ConsumerLimits = {
  range: { messages: 500, bytes: 8_000_000, events: 50_000 },
  fetch: { minBytes: 262_144, maxBytes: 16_000_000, maxBytesPerPartition: 8_000_000 },
  maxUnzippedBytes: 64_000_000,
}

export const GROUP_TIMING: GroupTiming = {
  sessionMs: 15_000,
  rebalanceMs: 60_000,
  heartbeatMs: 3_000,
  gatherMs: 500,
}

const LAG_EVERY_MS = 5_000

/**
 * The bus over Kafka, as the enricher sees it: reads the partitions that the group gives it and hands them on in
 * ranges, each exactly once (see `createRangeWriter`). It starts without waiting for a broker, and starts its client
 * anew whenever that fails. `onFailure` is told of an error that repeating cannot mend; nothing is read after it.
 */
export function createKafkaConsumer({
  connection,
  topic,
  group,
  handler,
  limits = CONSUMER_LIMITS,
  timing = GROUP_TIMING,
  concurrency = 2,
  registry,
  now,
  onFailure,
  observe = () => undefined,
  log,
}: {
  connection: KafkaConnection
  topic: TopicSettings
  group: string
  handler: RangeHandler
  limits?: ConsumerLimits
  timing?: GroupTiming
  concurrency?: number
  registry: Registry
  now: () => number
  onFailure: (error: unknown) => void
  observe?: (step: Step, range: { partition: number; from: number; to: number }) => void | Promise<void>
  log: Logger
}): Component & { check: Check } {
  const kafka = connectKafka(connection, log)
  const metrics = createConsumerMetrics(registry)
  const readiness = createReadiness({ name: 'bus', first: 'not connected to Kafka yet', log })
  const deadLetters = createReadiness({ name: 'dead_letters', log })
  const stopping = new AbortController()
  const sender = createSender({
    kafka,
    connection,
    prepare: async () => undefined,
    readiness: deadLetters,
    onFailure: () => undefined,
    log,
  })
  const writer = createRangeWriter({
    handler,
    deadLetters: createDeadLetters({ sender, topic: topic.topic, now }),
    limits: { maxBytes: topic.maxMessageBytes, maxUnzippedBytes: limits.maxUnzippedBytes },
    metrics,
    readiness,
    observe,
    log,
  })
  let session: Session | undefined
  let running: Promise<void> = Promise.resolve()
  let lagTimer: NodeJS.Timeout | undefined

  return {
    name: 'bus',
    check: {
      name: 'bus',
      check() {
        const unwritable = deadLetters.reason()
        // One that cannot be moved there holds up its partition, and nothing else tells.
        const why = readiness.reason() ?? (unwritable && `dead letters cannot be written: ${unwritable}`)
        return why === undefined ? { ready: true } : { ready: false, reason: why }
      },
    },
    async start() {
      running = runUntilStopped()
      lagTimer = setInterval(() => void measureLag().catch(() => undefined), LAG_EVERY_MS)
      lagTimer.unref()
    },
    async stop() {
      stopping.abort()
      clearInterval(lagTimer)
      await session?.stop().catch(() => undefined)
      await running
      await sender.stop()
    },
  }

  async function runUntilStopped(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
      const began = now()
      const failure = await runSession().catch((error: unknown) => error)
      // Told before anything is waited for: other partitions may hang in the store.
      if (failure instanceof Fatal) giveUp(failure)
      await session?.stop().catch(() => undefined)
      metrics.lag.reset()
      if (stopping.signal.aborted || failure instanceof Fatal) return
      readiness.unready(explainKafkaError(failure, connection))
      metrics.restarts.inc()
      // One that worked for a while is not counted with those that never came up.
      if (now() - began > timing.rebalanceMs) attempt = 0
      await pause(backOff(attempt), stopping.signal)
    }
  }

  async function runSession(): Promise<void> {
    await ensureTopics(kafka, topic, log)
    const { range, fetch } = limits
    const { topic: name } = topic
    const own = { writer, range, fetch, timing, concurrency, metrics, readiness, log }
    session = createSession({ kafka, connection, topic: name, group, ...own })
    if (!stopping.signal.aborted) await session.run()
  }

  function giveUp(error: Fatal): void {
    const cause = error.cause ?? error
    const message = cause instanceof Error ? cause.message : String(cause)
    readiness.unready(`nothing is read any more: ${message}`)
    onFailure(cause)
  }

  async function measureLag(): Promise<void> {
    const owned = session?.owned() ?? []
    if (owned.length === 0) return
    const bounds = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic.topic))
    for (const { partition, high } of bounds) {
      const ours = owned.find((one) => one.partition === partition)
      if (ours !== undefined) metrics.lag.set({ partition }, Math.max(0, Number(high) - ours.position))
    }
  }
}
