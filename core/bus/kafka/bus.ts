import type { Registry } from 'prom-client'
import type { Check } from '../../runtime/health.ts'
import type { Component } from '../../runtime/lifecycle.ts'
import type { Logger } from '../../runtime/log.ts'
import { type Batch, type Bus, BusFull, type Receipt } from '../bus.ts'
import { createBusMetrics } from './bus-metrics.ts'
import { connectKafka, type KafkaConnection } from './connection.ts'
import { type EncodedBatch, encodeBatch } from './message.ts'
import { createReadiness } from './readiness.ts'
import { createSender } from './sender.ts'
import { ensureTopics, type TopicSettings } from './topics.ts'

type Waiting = {
  message: EncodedBatch
  resolve: () => void
  reject: (error: unknown) => void
}

/** What one request carries at most, unless a single message is larger. */
const REQUEST_BYTES = 4_000_000
const REQUEST_MESSAGES = 500
const RETRY_AFTER_SECONDS = 2

/**
 * The bus over Kafka, as ingest sees it: a batch is durable when all in-sync replicas have it. It starts without
 * waiting for a broker; until one answers, `check` says so and batches are refused with `BusFull`. What was taken
 * is sent until it is acknowledged, whatever becomes of the broker meanwhile; at most `maxBytes` of it wait.
 */
export function createKafkaBus({
  connection,
  topic,
  maxBytes,
  registry,
  log,
}: {
  connection: KafkaConnection
  topic: TopicSettings
  maxBytes: number
  registry: Registry
  log: Logger
}): Bus & Component & { check: Check } {
  const readiness = createReadiness({ name: 'bus', first: 'not connected to Kafka yet', log })
  const kafka = connectKafka(connection, log)
  const queue: Waiting[] = []
  let held = 0
  let draining: Promise<void> | undefined
  let closed = false
  let lastTurn: Promise<unknown> = Promise.resolve()
  const metrics = createBusMetrics(registry, () => held)
  const sender = createSender({
    kafka,
    connection,
    prepare: () => ensureTopics(kafka, topic, log),
    readiness,
    onFailure: () => metrics.failures.inc(),
    log,
  })

  return {
    name: 'bus',
    check: readiness.check,
    start: async () => sender.start(),
    async stop() {
      closed = true
      // What waits is sent if a broker answers; else its senders are told, and come again elsewhere.
      sender.giveUp()
      await draining
      await sender.stop()
    },
    async publish(batch) {
      refuseWhenClosed()
      const message = await inTurn(encodeBatch(batch, topic.maxMessageBytes))
      refuseWhenClosed()
      const size = message.value.length
      // One that is larger than the whole bound is taken when nothing else waits, or it never would be.
      if (held > 0 && held + size > maxBytes) throw new BusFull(`${held} bytes wait to be sent to Kafka`, 1)
      held += size
      try {
        await enqueue(message)
      } finally {
        held -= size
      }
      return receiptOf(batch)
    },
  }

  /** Zipping is done side by side; whoever called first still goes first. */
  async function inTurn(encoding: Promise<EncodedBatch>): Promise<EncodedBatch> {
    const before = lastTurn
    lastTurn = Promise.allSettled([before, encoding])
    const [message] = await Promise.all([encoding, before])
    return message
  }

  function refuseWhenClosed(): void {
    if (closed) throw new BusFull('the process is stopping', 5)
    const reason = readiness.reason()
    if (reason !== undefined) throw new BusFull(reason, RETRY_AFTER_SECONDS)
  }

  function enqueue(message: EncodedBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      queue.push({ message, resolve, reject })
      draining ??= drain().finally(() => {
        draining = undefined
      })
    })
  }

  async function drain(): Promise<void> {
    // Let the batches that are being zipped at this very moment join the first request.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0) {
      const block = takeRequest(queue)
      try {
        await sender.send(
          topic.topic,
          block.map(({ message }) => message),
        )
        metrics.published.inc(block.length)
        metrics.bytes.inc(block.reduce((sum, { message }) => sum + message.value.length, 0))
        for (const { resolve } of block) resolve()
      } catch (error) {
        for (const { reject } of block) reject(error)
      }
    }
  }
}

function takeRequest(queue: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const { message } of queue) {
    if (count > 0 && (bytes + message.value.length > REQUEST_BYTES || count === REQUEST_MESSAGES)) break
    bytes += message.value.length
    count += 1
  }
  return queue.splice(0, count)
}

/** Whether it is a repeat is found out by the reader: here it is taken either way. */
function receiptOf(batch: Batch): Receipt {
  return { accepted: batch.events.length + batch.opened, rejected: batch.refused.length, duplicate: false }
}
