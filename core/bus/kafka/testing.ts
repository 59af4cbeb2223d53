import { randomBytes } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { Registry } from 'prom-client'
import type { DecidingEvent } from '../../event/index.ts'
import { createLogger } from '../../runtime/log.ts'
import type { Batch } from '../bus.ts'
import { type Broker, startBroker } from './broker/testing.ts'
import { createKafkaBus } from './bus.ts'
import type { KafkaConnection } from './connection.ts'
import { CONSUMER_LIMITS, type ConsumerLimits } from './consumer.ts'
import type { GroupTiming } from './session.ts'
import type { TopicSettings } from './topics.ts'

/** Builders for tests of whatever stands on the bus. */

/** A batch of `events` completed handshakes, one in ten failed; ids are unique by agent, epoch and sequence. */
export function batchOf({
  agent = 'edge-1',
  epoch = 1,
  sequence = 1,
  events = 10,
  receivedAt = Date.now(),
}: {
  agent?: string
  epoch?: number
  sequence?: number
  events?: number
  receivedAt?: number
} = {}): Batch {
  return {
    agent,
    epoch,
    sequence,
    received_at: receivedAt,
    bus_partition: 0,
    bus_offset: 0,
    events: Array.from({ length: events }, (_, i) => ({
      line: i + 1,
      event: eventOf(`${agent.replace(/[^A-Za-z0-9]/g, '')}-${epoch}-${sequence}-${i}`, i, receivedAt),
    })),
    opened: 0,
    refused: [],
  }
}

function eventOf(id: string, i: number, at: number): DecidingEvent {
  const about = {
    v: 1,
    id,
    opened_at: at - 1_000,
    decided_at: at - 900,
    source_address: `192.0.2.${i % 250}`,
    source_port: 10_000 + i,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 517,
    bytes_out: 0,
  } as const
  return i % 10 === 9
    ? { ...about, state: 'closed', ended_by: 'reset' }
    : { ...about, state: 'active', tls_version: 'TLSv1.3', bytes_out: 4_000 }
}

/** The broker that KAFKA_BROKERS names, else one that is started and ended with the test. */
export async function testBroker(): Promise<Pick<Broker, 'brokers' | 'stop'>> {
  const given = process.env['KAFKA_BROKERS']
  if (given !== undefined) return { brokers: given.split(','), stop: async () => undefined }
  return startBroker()
}

/** Short times, so that a test need not wait for a member that was killed; six seconds is what Kafka itself allows. */
const SESSION_MS = process.env['KAFKA_BROKERS'] === undefined ? 1_000 : 6_000
export const QUICK: GroupTiming = {
  sessionMs: SESSION_MS,
  rebalanceMs: 2_500,
  heartbeatMs: 200,
  gatherMs: 50,
}

export function limitsOf(messages: number): ConsumerLimits {
  return {
    ...CONSUMER_LIMITS,
    range: { ...CONSUMER_LIMITS.range, messages },
    fetch: { ...CONSUMER_LIMITS.fetch, minBytes: 1 },
  }
}

/** A topic of a name of its own. */
export function topicOf(given: Partial<TopicSettings> = {}): TopicSettings {
  return {
    topic: `events-${randomBytes(4).toString('hex')}`,
    partitions: 1,
    replication: 1,
    retentionMs: 86_400_000,
    maxMessageBytes: 1_000_000,
    ...given,
  }
}

export function connectionTo(brokers: readonly string[]): KafkaConnection {
  return { brokers, clientId: 'test' }
}

/** The plain client, for what the bus itself would never do to a topic. */
export function plainKafka(brokers: readonly string[]): Kafka {
  return new Kafka({ clientId: 'outside', brokers: [...brokers], logLevel: logLevel.NOTHING })
}

export function busOn(connection: KafkaConnection, topic: TopicSettings, maxBytes = 10_000_000) {
  const registry = new Registry()
  const log = createLogger({ level: 'silent' })
  return { registry, ...createKafkaBus({ connection, topic, maxBytes, registry, log }) }
}

/** Polls until the condition holds; fails with what was seen last after `ms`. */
export async function until<T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  ms = 30_000,
): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (Date.now() > end) throw new Error(`not within ${ms} ms; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A metric's value, of all its labels together unless some are given. */
export async function metricOf(registry: Registry, name: string, labels: Record<string, string> = {}) {
  const metric = await registry.getSingleMetric(name)?.get()
  const fitting = metric?.values.filter(({ labels: found }) =>
    Object.entries(labels).every(([label, value]) => String(found[label as never]) === value),
  )
  return fitting?.reduce((sum, { value }) => sum + value, 0) ?? 0
}
