import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../core/bus/kafka/broker/testing.ts'
import { parseProgress } from '../core/bus/kafka/intent.ts'
import {
  batchOf,
  busOn,
  connectionTo,
  metricOf,
  plainKafka,
  testBroker,
  topicOf,
  until,
} from '../core/bus/kafka/testing.ts'
import type { TopicSettings } from '../core/bus/kafka/topics.ts'
import type { Store } from '../core/store/store.ts'
import { countEverywhere, everywhere, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { type Plan, workerOn } from './kafka-worker-process/testing.ts'

const PROGRAM = join(import.meta.dirname, 'kafka-worker-process', 'testing.ts')
const AGENTS = 5
const BATCHES = 8
const EVENTS = 20
const TOTAL = AGENTS * BATCHES * EVENTS

let broker: Pick<Broker, 'brokers' | 'stop'>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let topic: TopicSettings
const children: ChildProcess[] = []

beforeAll(async () => {
  broker = await testBroker()
})
beforeEach(async () => {
  folder = await temporaryFolder()
  topic = topicOf({ partitions: 2 })
})
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL')
  await folder.remove()
})
afterAll(() => broker.stop())

describe('the worker behind Kafka', () => {
  it('has each event once in raw and in every rollup, wherever kill -9 falls', async () => {
    await publishAll()
    const points = ['read', 'announced', 'handshakes', 'stored', 'committed'] as const
    for (const [i, at] of points.entries()) {
      // Another bound each time, so that a range that is not rebuilt as it was announced would be cut otherwise.
      const child = start({ messages: 3 + (i % 3), die: { at, occasion: 2 } })
      expect([at, await endOf(child)]).toEqual([at, 'SIGKILL'])
    }
    await readToTheEnd({ messages: 7 })
    await withStore(async (store) => {
      expect(await countEverywhere(store)).toEqual(everywhere(TOTAL))
      expect(await store.query('SELECT uniqExact(id) AS ids FROM handshakes')).toEqual([{ ids: TOTAL }])
      expect(await store.query('SELECT count() AS n, sum(accepted) AS accepted FROM batches')).toEqual([
        { n: AGENTS * BATCHES, accepted: TOTAL },
      ])
    })
  })

  it('counts twice when the intent is taken from it: the guarantee is the intent', async () => {
    await publishAll()
    expect(await endOf(start({ messages: 3, die: { at: 'handshakes', occasion: 2 } }))).toBe('SIGKILL')
    await forgetIntents()
    await readToTheEnd({ messages: 7 })
    await withStore(async (store) => {
      expect((await countEverywhere(store))['handshakes']).toBeGreaterThan(TOTAL)
    })
  })

  it('counts twice when the token is taken from it: the guarantee is the token', async () => {
    await publishAll()
    expect(
      await endOf(start({ messages: 3, die: { at: 'handshakes', occasion: 2 }, without: 'token' })),
    ).toBe('SIGKILL')
    await readToTheEnd({ messages: 3, without: 'token' })
    await withStore(async (store) => {
      expect((await countEverywhere(store))['handshakes']).toBeGreaterThan(TOTAL)
    })
  })
})

describe('workers of one group', () => {
  it('have each event once in raw and in every rollup, whoever comes and goes', async () => {
    const store = storeAt(folder.path)
    await store.start()
    topic = topicOf({ partitions: 4 })
    const members = new Map<string, Awaited<ReturnType<typeof enlist>>>()
    const publishing = publishAll(30)
    for (const name of ['a', 'b', 'c']) members.set(name, await enlist(store))
    await members.get('a')?.stop()
    members.set('a', await enlist(store))
    await members.get('b')?.stop()
    await members.get('c')?.stop()
    members.set('d', await enlist(store))
    await publishing
    await until(placesLeft, (left) => left === 0)
    const rebalances = [...members.values()].map(({ registry }) =>
      metricOf(registry, 'halfshake_bus_rebalances_total'),
    )
    expect((await Promise.all(rebalances)).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4)
    for (const member of members.values()) await member.stop()
    expect(await countEverywhere(store)).toEqual(everywhere(TOTAL))
    expect(await store.query('SELECT uniqExact(id) AS ids FROM handshakes')).toEqual([{ ids: TOTAL }])
    await store.stop()
  })

  it('write nothing twice when one hangs in the store, loses its partitions and then comes back', async () => {
    const store = storeAt(folder.path)
    await store.start()
    await publishAll()
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let writes = 0
    const hanging = await enlist({
      query: store.query,
      async write(block, options) {
        writes += 1
        if (writes === 2) await held
        await store.write(block, options)
      },
    })
    await until(
      () => writes,
      (count) => count === 2,
    )
    // Another bound, so that what it takes over would be cut otherwise if it were not announced.
    const other = await enlist(store, 5)
    await until(placesLeft, (left) => left === 0)
    letGo()
    await until(
      () => metricOf(hanging.registry, 'halfshake_bus_ranges_abandoned_total'),
      (count) => count > 0,
    )
    expect(await countEverywhere(store)).toEqual(everywhere(TOTAL))
    expect(await placesLeft()).toBe(0)
    for (const worker of [hanging, other]) await worker.stop()
    await store.stop()
  })
})

/** A worker in this process, so that several can write to one embedded store. */
async function enlist(store: Pick<Store, 'query' | 'write'>, messages = 2) {
  const { consumer, registry } = workerOn(store, {
    brokers: broker.brokers,
    topic,
    group: topic.topic,
    messages,
  })
  await consumer.start()
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= consumer.stop()
    return stopped
  }
  await until(() => consumer.check.check().ready, Boolean)
  return { registry, stop }
}

/** Every agent's batches, some of them a second time, as agents do that got no answer. */
async function publishAll(pauseMs = 0): Promise<void> {
  const bus = busOn(connectionTo(broker.brokers), topic)
  await bus.start()
  await until(() => bus.check.check().ready, Boolean)
  const at = Date.now()
  const batch = (agent: number, sequence: number) =>
    batchOf({ agent: `edge-${agent}`, sequence, events: EVENTS, receivedAt: at })
  for (let sequence = 1; sequence <= BATCHES; sequence += 1) {
    const agents = Array.from({ length: AGENTS }, (_, agent) => agent)
    await Promise.all(agents.map((agent) => bus.publish(batch(agent, sequence))))
    await Promise.all(agents.map((agent) => bus.publish(batch(agent, Math.ceil(sequence / 2)))))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  await bus.stop()
}

function start(plan: Omit<Plan, 'brokers' | 'topic' | 'group' | 'folder'>): ChildProcess {
  const whole: Plan = { brokers: broker.brokers, topic, group: topic.topic, folder: folder.path, ...plan }
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, JSON.stringify(whole)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
  })
  children.push(child)
  return child
}

async function endOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return child.signalCode ?? child.exitCode
  const [code, signal] = await once(child, 'exit')
  return signal ?? code
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  child.kill(signal)
  return endOf(child)
}

/** Runs a process until the group has committed the end of every partition, and stops it in good order. */
async function readToTheEnd(plan: Omit<Plan, 'brokers' | 'topic' | 'group' | 'folder'>): Promise<void> {
  const child = start(plan)
  await until(placesLeft, (left) => left === 0)
  expect(await end(child, 'SIGTERM')).toBe(0)
}

/** Partitions that are not read to their end, or of which a range is being written. */
async function placesLeft(): Promise<number> {
  return withAdmin(async (admin) => {
    const committed =
      (await admin.fetchOffsets({ groupId: topic.topic, topics: [topic.topic] }))[0]?.partitions ?? []
    const bounds = await admin.fetchTopicOffsets(topic.topic)
    return bounds.filter(({ partition, high }) => {
      const place = committed.find((one) => one.partition === partition)
      // Of a partition that nothing was ever sent to, nothing is committed.
      if (high === '0') return false
      return place?.offset !== high || parseProgress(place.metadata)?.intent !== undefined
    }).length
  })
}

/** The same offsets without what stands beside them. */
async function forgetIntents(): Promise<void> {
  await withAdmin(async (admin) => {
    const [places] = await admin.fetchOffsets({ groupId: topic.topic, topics: [topic.topic] })
    const known = (places?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0)
    expect(known.some(({ metadata }) => parseProgress(metadata)?.intent !== undefined)).toBe(true)
    const offsets = known.map(({ partition, offset }) => ({ topic: topic.topic, partition, offset }))
    const consumer = plainKafka(broker.brokers).consumer({ groupId: topic.topic, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic.topic] })
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined })
    await joined
    await consumer.commitOffsets(offsets)
    await consumer.disconnect()
  })
}

async function withAdmin<T>(
  use: (admin: ReturnType<ReturnType<typeof plainKafka>['admin']>) => Promise<T>,
): Promise<T> {
  const admin = plainKafka(broker.brokers).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

async function withStore(use: (store: ReturnType<typeof storeAt>) => Promise<void>): Promise<void> {
  const store = storeAt(folder.path)
  await store.start()
  try {
    await use(store)
  } finally {
    await store.stop()
  }
}
