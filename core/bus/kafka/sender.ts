import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs'
import type { Logger } from '../../runtime/log.ts'
import { explainKafkaError, type KafkaConnection, kafkaErrorType } from './connection.ts'
import { backOff, pause } from './pause.ts'
import type { Readiness } from './readiness.ts'

/** Messages that the broker will never take, such as one above its bound. Nothing of them was stored. */
export class SendRefused extends Error {
  override readonly name = 'SendRefused'
}

export type Sender = {
  /** Tries to connect in the background, for as long as it takes. */
  start(): void
  /**
   * Resolves when all in-sync replicas have the messages: it waits for a broker for as long as it takes. Rejects
   * when it is stopped before, or with `SendRefused`. One call at a time; the next waits.
   */
  send(topic: string, messages: readonly Message[]): Promise<void>
  /** From now on nothing is tried twice, and nothing at all while no broker answers. */
  giveUp(): void
  /** Gives up, waits for what is under way and disconnects. */
  stop(): Promise<void>
}

const FAILURES_PER_CLIENT = 20
/** The broker will answer the same to the same messages. */
const REFUSED = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE'])

/**
 * Sends with an idempotent producer, one request in flight, each repeated unchanged until it is acknowledged: so
 * the broker recognises a repeat, and order holds. A producer that Kafka no longer knows is replaced by a new one;
 * what it may have sent twice is recognised by agent, epoch and sequence further on.
 */
export function createSender({
  kafka,
  connection,
  prepare,
  readiness,
  onFailure,
  log,
}: {
  kafka: Kafka
  connection: KafkaConnection
  /** Done once before the first message, when a broker answers: the topics. */
  prepare: () => Promise<void>
  readiness: Readiness
  /** Told of each attempt that failed. */
  onFailure: () => void
  log: Logger
}): Sender {
  const stopping = new AbortController()
  let producer: Producer | undefined
  let prepared = false
  let last: Promise<unknown> = Promise.resolve()

  return {
    start: () => void enqueue(() => untilDone(async () => void (await connected()))).catch(() => undefined),
    send: (topic, messages) => enqueue(() => untilDone(() => sendOnce(topic, messages))),
    giveUp: () => stopping.abort(),
    async stop() {
      stopping.abort()
      await last.catch(() => undefined)
      await producer?.disconnect().catch(() => undefined)
    },
  }

  function enqueue(task: () => Promise<void>): Promise<void> {
    const done = last.then(task)
    last = done.catch(() => undefined)
    return done
  }

  async function untilDone(attempt: () => Promise<void>): Promise<void> {
    for (let count = 0; ; count += 1) {
      const reason = readiness.reason()
      if (stopping.signal.aborted && reason !== undefined)
        throw new Error(`stopped before it was sent: ${reason}`)
      try {
        await attempt()
        readiness.ready()
        return
      } catch (error) {
        const type = kafkaErrorType(error)
        if (REFUSED.has(type)) throw new SendRefused(explainKafkaError(error, connection), { cause: error })
        onFailure()
        readiness.unready(explainKafkaError(error, connection))
        log.debug({ type, error: String(error) }, 'kafka: sending failed')
        // The topic may be what is missing, and a client that fails and fails may be what is broken.
        prepared = false
        if (!isRetriable(error) || count % FAILURES_PER_CLIENT === FAILURES_PER_CLIENT - 1)
          await dropProducer()
        if (stopping.signal.aborted) throw error
        await pause(backOff(count), stopping.signal)
      }
    }
  }

  async function sendOnce(topic: string, messages: readonly Message[]): Promise<void> {
    const open = await connected()
    await open.send({ topic, messages: [...messages], acks: -1 })
  }

  async function connected(): Promise<Producer> {
    if (!prepared) {
      await prepare()
      prepared = true
    }
    if (producer !== undefined) return producer
    const fresh = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    })
    await fresh.connect()
    producer = fresh
    return fresh
  }

  async function dropProducer(): Promise<void> {
    const old = producer
    producer = undefined
    await old?.disconnect().catch(() => undefined)
  }
}

/** Whether the same producer may try the same again. */
function isRetriable(error: unknown): boolean {
  return error instanceof Error && error.name === 'KafkaJSNumberOfRetriesExceeded'
}
