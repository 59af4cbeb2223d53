import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from '../../runtime/log.ts'

/** How the topics are made where they are missing. */
export type TopicSettings = {
  topic: string
  partitions: number
  replication: number
  retentionMs: number
  /** Largest message; the dead-letter topic takes a little more, so that what came in can be kept. */
  maxMessageBytes: number
}

/** The library's `ConfigResourceTypes.TOPIC`, which it does not export in a way that Node's ESM loader sees. */
const TOPIC_RESOURCE = 2
const HEADROOM_BYTES = 65_536

export function deadLetterTopic(topic: string): string {
  return `${topic}.dead-letters`
}

/**
 * Makes the topic and its dead-letter topic where they are missing. What is there is left as it is: a topic whose
 * partitions or settings differ is named in the log, since changing them is an operator's decision (more
 * partitions move agents to others, and their order with them).
 */
export async function ensureTopics(kafka: Kafka, settings: TopicSettings, log: Logger): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics())
    const wanted = [
      { topic: settings.topic, numPartitions: settings.partitions },
      { topic: deadLetterTopic(settings.topic), numPartitions: 1 },
    ]
    const missing = wanted.filter(({ topic }) => !existing.has(topic))
    if (missing.length > 0) {
      const configEntries = entriesOf(settings)
      const replicationFactor = settings.replication
      // One that another process makes at this moment is as good; the library tells it apart and answers false.
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map((topic) => ({ ...topic, replicationFactor, configEntries })),
      })
      log.info({ topics: missing.map(({ topic }) => topic) }, 'topics created')
    }
    if (existing.has(settings.topic)) await compare(admin, settings, log)
  })
}

/** An admin client for one purpose: it connects, and is gone afterwards. */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await use(admin)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

function entriesOf({ retentionMs, maxMessageBytes, replication }: TopicSettings) {
  const entries = {
    'retention.ms': retentionMs,
    'cleanup.policy': 'delete',
    'max.message.bytes': maxMessageBytes + HEADROOM_BYTES,
    // By the broker's clock: a producer's that is wrong would have its messages expire too early or never.
    'message.timestamp.type': 'LogAppendTime',
    // Messages are compressed by us. A batch that another producer compressed is unpacked by the broker, so that
    // no codec that a reader lacks, and no bomb, reaches it.
    'compression.type': 'uncompressed',
    'min.insync.replicas': replication > 2 ? 2 : 1,
  }
  return Object.entries(entries).map(([name, value]) => ({ name, value: String(value) }))
}

async function compare(admin: Admin, settings: TopicSettings, log: Logger): Promise<void> {
  const { topic } = settings
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitions = metadata.topics[0]?.partitions.length ?? 0
  if (partitions !== settings.partitions) {
    log.warn(
      { topic, partitions, configured: settings.partitions },
      'the topic has another number of partitions than configured; it is left as it is',
    )
  }
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: TOPIC_RESOURCE, name: topic }],
  })
  const found = new Map(
    described.resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
  )
  for (const { name, value } of entriesOf(settings)) {
    if (found.get(name) === value) continue
    log.warn(
      { topic, setting: name, is: found.get(name), configured: value },
      'the topic has another setting than configured; change it with kafka-configs',
    )
  }
}
