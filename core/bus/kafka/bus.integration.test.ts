import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../runtime/log.ts'
import { StoreRefused, StoreUnavailable } from '../../store/store.ts'
import type { Batch } from '../bus.ts'
import type { Broker } from './broker/testing.ts'
import { createKafkaConsumer } from './consumer.ts'
import { createDeadLetterBox } from './dead-letter-box.ts'
import type { RangeHandler } from './range-writer.ts'
import {
  batchOf,
  busOn,
  connectionTo,
  limitsOf,
  metricOf,
  plainKafka,
  QUICK,
  testBroker,
  topicOf,
  until,
} from './testing.ts'
import { deadLetterTopic, type TopicSettings, withAdmin } from './topics.ts'

let broker: Pick<Broker, 'brokers' | 'stop'>
const open: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  broker = await testBroker()
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop()
})
afterAll(() => broker.stop())

describe('the bus over Kafka', () => {
  it('hands batches on as they were, each agent in its order, and says what it did', async () => {
    const topic = topicOf({ partitions: 3 })
    const bus = await busOf(topic)
    const agents = ['edge-1', 'edge-2', 'edge-3', 'edge-4']
    const sent = agents.flatMap((agent) =>
      [1, 2, 3, 4, 5].map((sequence) => batchOf({ agent, sequence, events: 3 })),
    )
    const receipts = await Promise.all(sent.map((batch) => bus.publish(batch)))
    expect(receipts.every(({ accepted }) => accepted === 3)).toBe(true)
    const { received, registry } = await consumerOf(topic)
    await until(
      () => received.length,
      (count) => count === sent.length,
    )
    for (const agent of agents) {
      const got = received.filter((batch) => batch.agent === agent)
      expect(got.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5])
      expect(new Set(got.map(({ bus_partition }) => bus_partition)).size).toBe(1)
      expect(got.map(plain)).toEqual(sent.filter((batch) => batch.agent === agent).map(plain))
    }
    expect(await metricOf(bus.registry, 'halfshake_bus_published_total')).toBe(20)
    // Counted when it is committed, which comes after it is stored.
    await until(
      () => metricOf(registry, 'halfshake_bus_read_total'),
      (count) => count === 20,
    )
    await until(
      () => metricOf(registry, 'halfshake_bus_lag'),
      (lag) => lag === 0,
    )
  })

  it('reads on where it stopped, and what came meanwhile', async () => {
    const topic = topicOf()
    const bus = await busOf(topic)
    await bus.publish(batchOf({ sequence: 1 }))
    const first = await consumerOf(topic)
    await until(
      () => first.received.length,
      (count) => count === 1,
    )
    await first.stop()
    await bus.publish(batchOf({ sequence: 2 }))
    const second = await consumerOf(topic)
    await until(
      () => second.received.length,
      (count) => count === 1,
    )
    expect(second.received.map(({ sequence }) => sequence)).toEqual([2])
  })

  it('moves what is no batch to the dead letters, as it came and with its reason, and harms no neighbour', async () => {
    const topic = topicOf({ maxMessageBytes: 20_000 })
    const bus = await busOf(topic)
    await bus.publish(batchOf({ sequence: 1 }))
    await sendBadMessages(topic)
    await bus.publish(batchOf({ sequence: 2 }))
    const { received, registry } = await consumerOf(topic, { messages: 3 })
    await until(
      () => received.length,
      (count) => count === 2,
    )
    expect(received.map(({ sequence }) => sequence)).toEqual([1, 2])
    const dead = await readAll(deadLetterTopic(topic.topic), 4)
    expect(dead.map(({ headers }) => String(headers?.['dead_letter_reason']))).toEqual([
      'not_json',
      'bad_gzip',
      'too_large',
      'unknown_schema',
    ])
    expect(dead[0]).toMatchObject({ key: Buffer.from('edge-1'), value: Buffer.from('{"line":1,"eve') })
    expect(String(dead[0]?.headers?.['dead_letter_offset'])).toBe('1')
    expect(String(dead[3]?.headers?.['schema'])).toBe('99')
    expect(dead[2]?.value?.length).toBe(30_000)
    expect(await metricOf(registry, 'halfshake_bus_dead_letters_total', { reason: 'bad_gzip' })).toBe(1)
  })

  it('is unready while dead letters cannot be written, and goes on when they can', async () => {
    const topic = topicOf({ maxMessageBytes: 20_000 })
    const bus = await busOf(topic)
    await bus.publish(batchOf({ sequence: 1 }))
    const { received, check } = await consumerOf(topic, { messages: 1 })
    await until(
      () => received.length,
      (count) => count === 1,
    )
    const dead = deadLetterTopic(topic.topic)
    await withAdmin(plainKafka(broker.brokers), (admin) => admin.deleteTopics({ topics: [dead] }))
    await sendBadMessages(topic)
    await bus.publish(batchOf({ sequence: 2 }))
    await until(
      () => check.check(),
      (state) => !state.ready && state.reason.startsWith('dead letters cannot be written: Kafka at'),
    )
    expect(received.map(({ sequence }) => sequence)).toEqual([1])
    await withAdmin(plainKafka(broker.brokers), (admin) => admin.createTopics({ topics: [{ topic: dead }] }))
    await until(
      () => received.length,
      (count) => count === 2,
    )
    expect(check.check()).toEqual({ ready: true })
  })

  it('has its dead letters listed, sent back as they came, and dropped', async () => {
    const topic = topicOf()
    const bus = await busOf(topic)
    await sendBadMessages(topic)
    const first = await consumerOf(topic)
    const count = (registry: Registry) => metricOf(registry, 'halfshake_bus_dead_letters_total')
    await until(
      () => count(first.registry),
      (dead) => dead === 4,
    )
    const connection = connectionTo(broker.brokers)
    const box = createDeadLetterBox({
      connection,
      topic: topic.topic,
      log: createLogger({ level: 'silent' }),
    })
    expect(await box.list({ limit: 2 })).toMatchObject([
      { offset: 0, reason: 'not_json', agent: 'edge-1', source_offset: 0, bytes: 14 },
      { offset: 1, reason: 'bad_gzip', source_offset: 1 },
    ])
    expect(await box.drop({ until: 0 })).toBe(1)
    expect(await box.replay({ until: 1 })).toEqual({ replayed: 1, kept: 0 })
    // It is as bad as it was, and comes back to where it was taken from.
    await until(
      () => count(first.registry),
      (dead) => dead === 5,
    )
    const left = await box.list({ limit: 10 })
    expect(left.map(({ offset, reason }) => [offset, reason])).toEqual([
      [2, 'not_json'],
      [3, 'unknown_schema'],
      [4, 'bad_gzip'],
    ])
    expect(left[2]?.value).toEqual(Buffer.from('1f8b08000000000000', 'hex'))
    expect(await box.drop({ until: 99 })).toBe(3)
    expect(await box.list({ limit: 10 })).toEqual([])
    expect(bus.check.check()).toEqual({ ready: true })
  })

  it('is refused more than it may hold', async () => {
    const topic = topicOf()
    const bus = await busOf(topic, 1)
    const both = await Promise.allSettled([1, 2].map((sequence) => bus.publish(batchOf({ sequence }))))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await bus.publish(batchOf({ sequence: 2 }))).toMatchObject({ accepted: 10 })
  })

  it('says loudly that messages expired unread, counts them, and goes on with the first there is', async () => {
    const topic = topicOf()
    const bus = await busOf(topic)
    for (const sequence of [1, 2, 3, 4, 5]) await bus.publish(batchOf({ sequence }))
    const first = await consumerOf(topic, { stopAfter: 1 })
    await until(
      () => first.received.length,
      (count) => count >= 1,
    )
    await first.stop()
    await expire(topic, '4')
    const second = await consumerOf(topic)
    await until(
      () => second.received.length,
      (count) => count === 1,
    )
    expect(second.received.map(({ sequence }) => sequence)).toEqual([5])
    expect(
      await metricOf(second.registry, 'halfshake_bus_offset_out_of_range_total', { reason: 'behind' }),
    ).toBe(1)
    expect(await metricOf(second.registry, 'halfshake_bus_missed_total')).toBe(3)
  })

  it('stops, says why and commits nothing when the store refuses what no repeating can mend', async () => {
    const topic = topicOf()
    const bus = await busOf(topic)
    await bus.publish(batchOf())
    const refusal = new StoreRefused('table handshakes is missing: start halfshake once with this store')
    const first = await consumerOf(topic, { refusal })
    await until(
      () => first.failures.length,
      (count) => count === 1,
    )
    expect(first.failures).toEqual([refusal])
    expect(first.check.check()).toEqual({
      ready: false,
      reason: `nothing is read any more: ${refusal.message}`,
    })
    await first.stop()
    const second = await consumerOf(topic)
    await until(
      () => second.received.length,
      (count) => count === 1,
    )
    await until(
      () => metricOf(second.registry, 'halfshake_bus_ranges_total', { kind: 'rebuilt' }),
      (count) => count === 1,
    )
  })

  it('takes a topic that was made anew under it for another, and reads it from its beginning', async () => {
    const topic = topicOf()
    const bus = await busOf(topic)
    for (const sequence of [1, 2, 3]) await bus.publish(batchOf({ sequence }))
    const consumer = await consumerOf(topic)
    await until(
      () => consumer.received.length,
      (count) => count === 3,
    )
    await withAdmin(plainKafka(broker.brokers), (admin) => admin.deleteTopics({ topics: [topic.topic] }))
    await until(
      () =>
        bus.publish(batchOf({ sequence: 4 })).then(
          () => true,
          () => false,
        ),
      (sent) => sent,
    )
    await until(
      () => consumer.received.length,
      (count) => count === 4,
    )
    expect(new Set(consumer.tokens.map((token) => token.split(':')[0])).size).toBe(2)
  })
})

async function busOf(topic: TopicSettings, maxBytes?: number) {
  const bus = busOn(connectionTo(broker.brokers), topic, maxBytes)
  await bus.start()
  open.push(bus)
  await until(() => bus.check.check().ready, Boolean)
  return bus
}

/** A consumer of one group that keeps what it is given; with `stopAfter` its store fails after so many ranges. */
async function consumerOf(
  topic: TopicSettings,
  {
    messages = 1,
    stopAfter = Number.POSITIVE_INFINITY,
    refusal,
  }: { messages?: number; stopAfter?: number; refusal?: Error } = {},
) {
  const received: Batch[] = []
  const tokens: string[] = []
  const failures: unknown[] = []
  const registry = new Registry()
  let ranges = 0
  const handler: RangeHandler = {
    findRepeats: async () => {
      if (ranges >= stopAfter) throw new StoreUnavailable('down')
      return new Set()
    },
    store: async (batches, token) => {
      if (refusal !== undefined) throw refusal
      ranges += 1
      tokens.push(token)
      received.push(...batches)
    },
  }
  const consumer = createKafkaConsumer({
    connection: connectionTo(broker.brokers),
    topic,
    group: topic.topic,
    handler,
    limits: limitsOf(messages),
    timing: QUICK,
    registry,
    now: Date.now,
    onFailure: (error) => failures.push(error),
    log: createLogger({ level: 'silent' }),
  })
  await consumer.start()
  open.push(consumer)
  return { ...consumer, received, tokens, failures, registry }
}

/** What Kafka adds, taken away. */
function plain(batch: Batch): Batch {
  return { ...batch, bus_partition: 0, bus_offset: 0 }
}

async function sendBadMessages({ topic }: TopicSettings): Promise<void> {
  const producer = plainKafka(broker.brokers).producer()
  await producer.connect()
  const headers = { schema: '1', epoch: '1', sequence: '9', received_at: '1', opened: '0' }
  const about = { key: 'edge-1', headers }
  await producer.send({
    topic,
    messages: [
      { ...about, value: '{"line":1,"eve' },
      {
        ...about,
        headers: { ...headers, encoding: 'gzip' },
        value: Buffer.from('1f8b08000000000000', 'hex'),
      },
      { ...about, value: Buffer.alloc(30_000, 'x') },
      { ...about, headers: { ...headers, schema: '99' }, value: '{}' },
    ],
  })
  await producer.disconnect()
}

async function readAll(topic: string, count: number) {
  const consumer = plainKafka(broker.brokers).consumer({ groupId: `look-${topic}`, maxWaitTimeInMs: 50 })
  const messages: { key: Buffer | null; value: Buffer | null; headers?: Record<string, unknown> }[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
  await until(
    () => messages.length,
    (got) => got >= count,
  )
  await consumer.disconnect()
  return messages
}

/** Removes what lies before the offset, as retention would. */
async function expire({ topic }: TopicSettings, offset: string): Promise<void> {
  const admin = plainKafka(broker.brokers).admin()
  await admin.connect()
  // The client wants to know the topic before it may be told to remove anything of it.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] })
  await admin.disconnect()
}
