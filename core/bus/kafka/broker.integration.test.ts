import { Registry } from 'prom-client'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createLogger } from '../../runtime/log.ts'
import { temporaryFolder } from '../../store/testing.ts'
import { type Batch, BusFull } from '../bus.ts'
import { type Broker, startBroker } from './broker/testing.ts'
import type { KafkaConnection } from './connection.ts'
import { createKafkaConsumer } from './consumer.ts'
import { batchOf, busOn, connectionTo, limitsOf, metricOf, QUICK, topicOf, until } from './testing.ts'
import type { TopicSettings } from './topics.ts'

/** These tests end the broker, so it is never the one of KAFKA_BROKERS. */
let broker: Broker | undefined
const folder = await temporaryFolder()
const open: { stop(): Promise<void> }[] = []
const USERS = { edge: 'pa55-word' }

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop()
})
afterAll(async () => {
  await broker?.kill('SIGKILL')
  await folder.remove()
})

describe('the bus and its broker', () => {
  it('wait for one that is not there yet, say so, and begin when it is', async () => {
    const port = 19_000 + (process.pid % 1_000)
    const topic = topicOf()
    const bus = await busOf(connectionTo([`127.0.0.1:${port}`]), topic)
    const consumer = await consumerOf(connectionTo([`127.0.0.1:${port}`]), topic)
    for (const { check } of [bus, consumer]) {
      const seen = await until(
        () => check.check(),
        (state) => !state.ready && /answers/.test(state.reason),
      )
      expect(seen).toMatchObject({ reason: expect.stringContaining(`127.0.0.1:${port}`) })
    }
    await expect(bus.publish(batchOf())).rejects.toThrow(BusFull)
    broker = await startBroker({ dataDir: folder.path, port, users: USERS })
    await until(() => bus.check.check().ready && consumer.check.check().ready, Boolean)
    await bus.publish(batchOf())
    await until(
      () => consumer.seen.size,
      (size) => size === 1,
    )
  })

  it('lose nothing and repeat nothing that was acknowledged when it is killed with -9 and comes back', async () => {
    const running = broker ?? notStarted()
    const topic = topicOf({ partitions: 2 })
    const bus = await busOf(connectionTo(running.brokers), topic)
    const consumer = await consumerOf(connectionTo(running.brokers), topic)
    await until(() => bus.check.check().ready, Boolean)
    let sent = 0
    const agents = Promise.all(
      ['a', 'b', 'c'].map(async (agent) => {
        for (let sequence = 1; sequence <= 60; sequence += 1) {
          await untilTaken(() => bus.publish(batchOf({ agent, sequence, events: 2 })))
          sent += 1
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }),
    )
    await until(
      () => sent,
      (count) => count > 30,
    )
    await running.kill('SIGKILL')
    await until(
      () => bus.check.check().ready,
      (ready) => !ready,
    )
    broker = await startBroker({ dataDir: folder.path, port: running.port, users: USERS })
    await agents
    await until(
      () => consumer.seen.size,
      (size) => size === 180,
    )
    expect([...consumer.seen].filter(([, stored]) => stored.length > 1)).toEqual([])
    expect(await metricOf(bus.registry, 'halfshake_bus_send_failures_total')).toBeGreaterThan(0)
    expect(bus.check.check()).toEqual({ ready: true })
  })

  it('understand each other over TLS with each mechanism, and say which user was refused', async () => {
    const { secure } = broker ?? notStarted()
    if (secure === undefined) throw new Error('no secure listener')
    const reach = (mechanism: NonNullable<KafkaConnection['sasl']>['mechanism'], password: string) => ({
      brokers: secure.brokers,
      clientId: 'test',
      tls: { ca: secure.ca },
      sasl: { mechanism, username: 'edge', password },
    })
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const bus = await busOf(reach(mechanism, USERS.edge), topicOf())
      await until(
        () => bus.check.check(),
        ({ ready }) => ready,
      )
      expect(await bus.publish(batchOf())).toMatchObject({ accepted: 10 })
      const stranger = await busOf(reach(mechanism, 'wrong'), topicOf())
      await until(
        () => stranger.check.check(),
        (state) => !state.ready && /refused user edge .*check user name, password/.test(state.reason),
      )
    }
    const untrusting = { ...reach('plain', USERS.edge), tls: {} }
    const bus = await busOf(untrusting, topicOf())
    await until(
      () => bus.check.check(),
      (state) => !state.ready && /certificate is not trusted/.test(state.reason),
    )
  })
})

async function busOf(connection: KafkaConnection, topic: TopicSettings) {
  const bus = busOn(connection, topic)
  await bus.start()
  open.push(bus)
  return bus
}

/** A consumer that writes down where it was given each batch. */
async function consumerOf(connection: KafkaConnection, topic: TopicSettings) {
  const seen = new Map<string, string[]>()
  const tokens = new Set<string>()
  const consumer = createKafkaConsumer({
    connection,
    topic,
    group: 'enricher',
    handler: {
      findRepeats: async (batches) => {
        const before = new Set(seen.keys())
        return new Set(
          batches.filter((batch) => {
            const repeat = before.has(keyOf(batch))
            before.add(keyOf(batch))
            return repeat
          }),
        )
      },
      store: async (batches, token) => {
        // As a store does that knows its tokens.
        if (tokens.has(token)) return
        tokens.add(token)
        for (const batch of batches) {
          const stored = seen.get(keyOf(batch)) ?? []
          seen.set(keyOf(batch), [...stored, `${batch.bus_offset} in ${token}`])
        }
      },
    },
    limits: limitsOf(7),
    timing: QUICK,
    registry: new Registry(),
    now: Date.now,
    onFailure: (error) => {
      throw error
    },
    log: createLogger({ level: 'silent' }),
  })
  await consumer.start()
  open.push(consumer)
  return { ...consumer, seen }
}

function keyOf({ agent, sequence }: Batch): string {
  return `${agent} ${sequence}`
}

async function untilTaken(send: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await send()
      return
    } catch (error) {
      if (!(error instanceof BusFull)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function notStarted(): never {
  throw new Error('the broker is not there')
}
