import { randomBytes } from 'node:crypto'
import type { Kafka, Message } from 'kafkajs'
import type { Logger } from '../../runtime/log.ts'
import { connectKafka, type KafkaConnection } from './connection.ts'
import { DEAD_LETTER_PREFIX } from './dead-letters.ts'
import { countHeader, type Headers, header } from './headers.ts'
import { createReadiness } from './readiness.ts'
import { createSender, type Sender } from './sender.ts'
import { deadLetterTopic, withAdmin } from './topics.ts'

/** A message that was no batch, and where it came from. */
export type DeadLetter = {
  /** Its place among the dead letters: what `until` of the functions below refers to. */
  offset: number
  /** When it was moved there, ms since 1970. */
  at: number
  reason: string
  detail: string
  agent: string
  source_partition: number
  source_offset: number
  /** How many bytes it had; `value` holds fewer when it was too large to be kept whole. */
  bytes: number
  value: Buffer
}

/** The dead-letter topic, as an operator handles it. Kafka removes from the front only: hence `until`. */
export type DeadLetterBox = {
  /** At most `limit` of them, oldest first. */
  list(options: { limit: number }): Promise<DeadLetter[]>
  /**
   * Sends those up to and including offset `until` to where they came from, and then removes them here. Those that
   * are not whole are put back at the end. A batch that was stored meanwhile is recognised there.
   */
  replay(options: { until: number }): Promise<{ replayed: number; kept: number }>
  /** Removes those up to and including offset `until`: how many they were. */
  drop(options: { until: number }): Promise<number>
}

type Stored = { offset: number; key: Buffer | null; value: Buffer | null; headers: Headers }

const READ_TIMEOUT_MS = 30_000
const SEND_AT_ONCE = 50

export function createDeadLetterBox({
  connection,
  topic,
  log,
}: {
  connection: KafkaConnection
  topic: string
  log: Logger
}): DeadLetterBox {
  const kafka = connectKafka(connection, log)
  const dead = deadLetterTopic(topic)
  return {
    async list({ limit }) {
      return (await read(kafka, dead, { limit })).map(describe)
    },
    async replay({ until }) {
      const letters = await read(kafka, dead, { until })
      const whole = letters.filter(
        ({ headers }) => header(headers, `${DEAD_LETTER_PREFIX}bytes`) === undefined,
      )
      const parts = letters.filter((letter) => !whole.includes(letter))
      await withSender(async (sender) => {
        await sendAll(sender, topic, whole.map(asItCame))
        await sendAll(sender, dead, parts.map(asItIs))
      })
      await remove(until)
      return { replayed: whole.length, kept: parts.length }
    },
    async drop({ until }) {
      const { low, high } = await boundsOf(kafka, dead)
      await remove(Math.min(until, high - 1))
      return Math.max(0, Math.min(until + 1, high) - low)
    },
  }

  async function remove(until: number): Promise<void> {
    const { low, high } = await boundsOf(kafka, dead)
    const offset = Math.min(until + 1, high)
    if (offset <= low) return
    await withAdmin(kafka, async (admin) => {
      // The client wants to know the topic before it may be told to remove anything of it.
      await admin.fetchTopicOffsets(dead)
      await admin.deleteTopicRecords({ topic: dead, partitions: [{ partition: 0, offset: String(offset) }] })
    })
  }

  async function withSender(use: (sender: Sender) => Promise<void>): Promise<void> {
    const readiness = createReadiness({ name: 'dead_letters', log })
    const onFailure = () => undefined
    const sender = createSender({
      kafka,
      connection,
      prepare: async () => undefined,
      readiness,
      onFailure,
      log,
    })
    try {
      await use(sender)
    } finally {
      await sender.stop()
    }
  }
}

async function sendAll(sender: Sender, topic: string, messages: readonly Message[]): Promise<void> {
  for (let i = 0; i < messages.length; i += SEND_AT_ONCE) {
    await sender.send(topic, messages.slice(i, i + SEND_AT_ONCE))
  }
}

/** The messages from the first on, with a group that is gone afterwards and leaves no place behind. */
async function read(
  kafka: Kafka,
  topic: string,
  { limit = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY }: { limit?: number; until?: number },
): Promise<Stored[]> {
  const { low, high } = await boundsOf(kafka, topic)
  const last = Math.min(high - 1, until, low + limit - 1)
  if (last < low) return []
  const groupId = `${topic}.${randomBytes(6).toString('hex')}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false })
  const letters: Stored[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${topic} could not be read in time`)), READ_TIMEOUT_MS)
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      const eachMessage = async ({
        message,
      }: {
        message: Omit<Stored, 'offset' | 'headers'> & { offset: string; headers?: Headers }
      }) => {
        const offset = Number(message.offset)
        if (offset <= last) letters.push({ ...message, offset, headers: message.headers ?? {} })
        if (offset < last) return
        clearTimeout(late)
        resolve()
      }
      consumer.run({ autoCommit: false, eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch(() => undefined)
  }
  return letters
}

async function boundsOf(kafka: Kafka, topic: string): Promise<{ low: number; high: number }> {
  const [place] = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic))
  return { low: Number(place?.low ?? 0), high: Number(place?.high ?? 0) }
}

function describe({ offset, key, value, headers }: Stored): DeadLetter {
  const about = (name: string) => header(headers, DEAD_LETTER_PREFIX + name) ?? ''
  const count = (name: string) => countHeader(headers, DEAD_LETTER_PREFIX + name)
  return {
    offset,
    at: count('at') ?? 0,
    reason: about('reason'),
    detail: about('detail'),
    agent: key?.toString('utf8') ?? '',
    source_partition: count('partition') ?? 0,
    source_offset: count('offset') ?? 0,
    bytes: count('bytes') ?? value?.length ?? 0,
    value: value ?? Buffer.alloc(0),
  }
}

function asItIs({ key, value, headers }: Stored): Message {
  return { key, value, headers: { ...headers } }
}

function asItCame(letter: Stored): Message {
  const kept = Object.entries(letter.headers).filter(([name]) => !name.startsWith(DEAD_LETTER_PREFIX))
  return asItIs({ ...letter, headers: Object.fromEntries(kept) })
}
