import {
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type PartitionAssigner,
  PartitionAssigners,
} from 'kafkajs'
import type { Logger } from '../../runtime/log.ts'
import { commitOffset, heed } from './committer.ts'
import { explainKafkaError, type KafkaConnection } from './connection.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import { cutRange, type RangeLimits } from './cut.ts'
import { newIncarnation } from './intent.ts'
import { Abandoned, createLease, type Lease, nextToRead, type Owned } from './lease.ts'
import type { RawMessage } from './message.ts'
import { backOff, pause } from './pause.ts'
import { type Bounds, type OutOfRange, recheckPosition, resolvePosition } from './position.ts'
import type { Hold, RangeWriter } from './range-writer.ts'
import type { Readiness } from './readiness.ts'
import { withAdmin } from './topics.ts'

/** How the group finds out who is gone, and how long messages gather before they are read. */
export type GroupTiming = { sessionMs: number; rebalanceMs: number; heartbeatMs: number; gatherMs: number }

/** What one answer of the broker holds at most. */
export type FetchLimits = { minBytes: number; maxBytes: number; maxBytesPerPartition: number }

export type SessionOptions = {
  kafka: Kafka
  connection: KafkaConnection
  topic: string
  group: string
  writer: RangeWriter
  range: RangeLimits
  fetch: FetchLimits
  timing: GroupTiming
  /** Partitions that are worked on side by side. */
  concurrency: number
  metrics: ConsumerMetrics
  readiness: Readiness
  log: Logger
}

/** One life of the Kafka client in the group: from joining to its stop, its crash, or an error that nothing mends. */
export type Session = {
  /** Resolves when it was stopped; rejects when the client crashed, or with `Fatal`. */
  run(): Promise<void>
  stop(): Promise<void>
  /** The partitions that are ours just now. */
  owned(): Owned[]
}

/** An error of the handler or of the stored intent: starting anew would lead to it again. */
export class Fatal extends Error {
  override readonly name = 'Fatal'
}

export function createSession(options: SessionOptions): Session {
  const { kafka, connection, topic, group, writer, metrics, readiness, timing, log } = options
  let lease: Lease | undefined
  let finish: (error?: unknown) => void = () => undefined
  const ended = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error))
  })
  ended.catch(() => undefined)
  const consumer = createConsumer(options, () => {
    // A new round begins: from this moment on nothing of the round before is committed.
    lease?.lose()
    lease = undefined
  })

  return {
    owned: () => [...(lease?.owned.values() ?? [])],
    async run() {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => join(payload.memberAssignment[topic] ?? []))
      consumer.on(consumer.events.CRASH, ({ payload }) => finish(payload.error))
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: options.concurrency,
        eachBatch: take,
      })
      await ended
    },
    async stop() {
      lease?.end()
      await consumer.disconnect()
      lease?.lose()
      finish()
    },
  }

  /** The client does not wait for this: what was assigned is paused at once, and read when its place is known. */
  function join(partitions: number[]): void {
    const joined = createLease()
    lease = joined
    metrics.rebalances.inc()
    metrics.lag.reset()
    log.info({ partitions }, 'partitions assigned')
    if (partitions.length > 0) consumer.pause([{ topic, partitions }])
    prepare(joined, partitions).catch((error: unknown) => finish(new Fatal('', { cause: error })))
  }

  async function prepare(joined: Lease, partitions: number[]): Promise<void> {
    for (let attempt = 0; !joined.ending.aborted; attempt += 1) {
      const places = await readPlaces().catch((error: unknown) => {
        readiness.unready(explainKafkaError(error, connection))
        return undefined
      })
      if (joined.ending.aborted) return
      if (places !== undefined) {
        for (const partition of partitions) {
          const { committed, bounds } = places(partition)
          const { owned, outOfRange } = resolvePosition(partition, committed, bounds)
          if (outOfRange !== undefined) report(outOfRange)
          joined.owned.set(partition, owned)
          consumer.seek({ topic, partition, offset: String(owned.position) })
        }
        if (partitions.length > 0) consumer.resume([{ topic, partitions }])
        readiness.ready()
        return
      }
      await pause(backOff(attempt), joined.ending)
    }
  }

  async function readPlaces() {
    return withAdmin(kafka, async (admin) => {
      const committed = (await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]?.partitions ?? []
      const bounds = await admin.fetchTopicOffsets(topic)
      return (partition: number) => {
        const place = committed.find((one) => one.partition === partition)
        const held = bounds.find((one) => one.partition === partition)
        return {
          committed: { offset: Number(place?.offset ?? -1), metadata: place?.metadata ?? null },
          bounds: boundsOf(held),
        }
      }
    })
  }

  /** Messages of one partition, in order. Whatever is not dealt with here comes again. */
  async function take(payload: EachBatchPayload): Promise<void> {
    const current = lease
    const { partition } = payload.batch
    const owned = current?.owned.get(partition)
    // Read before the last round: the client hands out what it still has.
    if (current === undefined || owned === undefined || current.ending.aborted) return
    const ticker = setInterval(() => {
      payload.heartbeat().catch((error: unknown) => heed(error, current))
    }, timing.heartbeatMs)
    try {
      await takeMessages(payload, current, owned)
      metrics.lag.set({ partition }, Math.max(0, Number(payload.batch.highWatermark) - owned.position))
    } catch (error) {
      if (error instanceof Abandoned) metrics.abandoned.inc()
      else fail(error, current)
    } finally {
      clearInterval(ticker)
    }
  }

  async function takeMessages(payload: EachBatchPayload, current: Lease, owned: Owned): Promise<void> {
    const messages = payload.batch.messages.map((message) => rawMessage(owned.partition, message))
    const [first] = messages
    if (first === undefined) return
    if (first.offset !== nextToRead(owned)) return realign(owned, first.offset)
    const hold: Hold = {
      lease: current,
      owned,
      commit: (offset, progress) =>
        commitOffset(payload, {
          lease: current,
          topic,
          partition: owned.partition,
          offset,
          progress,
          connection,
          readiness,
        }),
    }
    let rest = await takeAnnounced(hold, messages, payload)
    while (rest.length > 0) {
      if (current.ending.aborted) return
      const count = await writer.writeFresh(hold, rest.slice(0, cutRange(rest, options.range)))
      advance(hold, rest[count - 1], payload)
      rest = rest.slice(count)
    }
  }

  /** Rebuilds the announced range, if there is one, as soon as all of it is read. Returns what comes after it. */
  async function takeAnnounced(
    hold: Hold,
    messages: RawMessage[],
    payload: EachBatchPayload,
  ): Promise<RawMessage[]> {
    const { owned } = hold
    const { intent } = owned
    if (intent === undefined) return messages
    const within = messages.filter(({ offset }) => offset <= intent.to)
    const gathered = [...owned.gathered, ...within]
    const last = gathered.at(-1)
    if (last === undefined || last.offset < intent.to) {
      owned.gathered = gathered
      if (last !== undefined) payload.resolveOffset(String(last.offset))
      return []
    }
    await writer.rebuild(hold, intent, gathered)
    advance(hold, last, payload)
    return messages.slice(within.length)
  }

  function advance(
    { lease: held, owned }: Hold,
    last: RawMessage | undefined,
    payload: EachBatchPayload,
  ): void {
    if (last === undefined) return
    owned.position = last.offset + 1
    owned.intent = undefined
    owned.gathered = []
    // The client's own place; in another round it has another.
    if (!held.isLost()) payload.resolveOffset(String(last.offset))
  }

  /** A message came that is not the next one: the client had an old answer, or Kafka no longer has our place. */
  async function realign(owned: Owned, got: number): Promise<void> {
    const bounds = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic)).catch(() => undefined)
    if (bounds === undefined) return
    const { partition } = owned
    const lost = recheckPosition(owned, boundsOf(bounds.find((one) => one.partition === partition)))
    log.debug({ partition, got, expected: nextToRead(owned) }, 'kafka: not the message that is next')
    if (lost !== undefined) {
      report(lost)
      owned.position = lost.now
      owned.intent = undefined
      if (lost.reason === 'beyond') owned.incarnation = newIncarnation()
    }
    owned.gathered = []
    consumer.seek({ topic, partition, offset: String(owned.position) })
  }

  function report(lost: OutOfRange): void {
    metrics.outOfRange.inc({ reason: lost.reason })
    metrics.missed.inc(lost.missed)
    log.error(lost, SENTENCES[lost.reason])
  }

  function fail(error: unknown, current: Lease): void {
    current.end()
    finish(new Fatal(error instanceof Error ? error.message : String(error), { cause: error }))
  }
}

const SENTENCES: Record<OutOfRange['reason'], string> = {
  behind: 'messages expired before they were read: raise the retention of the topic, or add enrichers',
  beyond:
    'the partition ends before the place where reading stopped: it was made anew or has lost its end; reading it from its beginning',
  reset: 'the place in the partition was lost: reading it from its beginning',
}

function createConsumer({ kafka, group, timing, fetch }: SessionOptions, onJoining: () => void): Consumer {
  // The assigner is asked for its protocol when, and just before, this member asks to join a new round.
  const assigner: PartitionAssigner = (config) => {
    const base = PartitionAssigners.roundRobin(config)
    return {
      ...base,
      protocol(subscription) {
        onJoining()
        return base.protocol(subscription)
      },
    }
  }
  return kafka.consumer({
    groupId: group,
    partitionAssigners: [assigner],
    sessionTimeout: timing.sessionMs,
    rebalanceTimeout: timing.rebalanceMs,
    heartbeatInterval: timing.heartbeatMs,
    maxWaitTimeInMs: timing.gatherMs,
    minBytes: fetch.minBytes,
    maxBytes: fetch.maxBytes,
    maxBytesPerPartition: fetch.maxBytesPerPartition,
    allowAutoTopicCreation: false,
    // A client that crashed is replaced as a whole, by us.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false },
  })
}

function boundsOf(place: { low: string; high: string } | undefined): Bounds {
  return { low: Number(place?.low ?? 0), high: Number(place?.high ?? 0) }
}

function rawMessage(partition: number, message: EachBatchPayload['batch']['messages'][number]): RawMessage {
  const { offset, key, value, headers = {} } = message
  return { partition, offset: Number(offset), key, value, headers }
}
