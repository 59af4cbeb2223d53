/**
 * A process that reads a topic into a store, for tests that kill it: it kills itself at the moment it is told to.
 * Its one argument is a `Plan` as JSON.
 */
import { Registry } from 'prom-client'
import { createKafkaConsumer } from '../../core/bus/kafka/consumer.ts'
import type { Step } from '../../core/bus/kafka/range-writer.ts'
import { connectionTo, limitsOf, QUICK } from '../../core/bus/kafka/testing.ts'
import type { TopicSettings } from '../../core/bus/kafka/topics.ts'
import { createLogger } from '../../core/runtime/log.ts'
import { storeAt } from '../../core/store/testing.ts'
import { createEnricher } from '../enrich.ts'
import { createKafkaWorker } from '../kafka-worker.ts'

export type Plan = {
  brokers: readonly string[]
  topic: TopicSettings
  group: string
  folder: string
  /** Messages in a range. */
  messages: number
  /** Where to die: at a step of a range, or when a table's rows are in and those of the next are not. */
  die?: { at: Step | 'handshakes' | 'dead_letters'; occasion: number }
  /** A guarantee to do without. */
  without?: 'token'
}

// The parent hands it over as JSON of this very type.
const plan = JSON.parse(process.argv[2] ?? '{}') as Plan
let occasions = 0
const log = createLogger({ level: 'warn' })
const store = storeAt(plan.folder)
const command = store.command.bind(store)
store.command = async (sql, parameters) => {
  await command(sql, parameters)
  const [, table] = /^INSERT INTO (\w+) SELECT/.exec(sql) ?? []
  if (table !== undefined) reach(table)
}
const enricher = createEnricher({
  lookup: {
    generation: () => 1,
    find: () => ({ asn: 64_500, network: 'Example', label: '', lookup: 'known' }),
  },
  prefix: { ipv4: 24, ipv6: 48 },
  truncateAddresses: false,
  clientKey: Buffer.alloc(32, 1),
})
const registry = new Registry()
const write: typeof store.write = (block, options) =>
  store.write(
    block,
    plan.without === 'token' ? { token: `${Date.now()}-${process.pid}-${Math.random()}` } : options,
  )
const consumer = createKafkaConsumer({
  connection: connectionTo(plan.brokers),
  topic: plan.topic,
  group: plan.group,
  handler: createKafkaWorker({
    enrich: (batch) => enricher.enrich(batch),
    store: { query: store.query.bind(store), write },
    registry,
  }),
  limits: limitsOf(plan.messages),
  timing: QUICK,
  registry,
  now: Date.now,
  onFailure: (error) => {
    throw error
  },
  observe: reach,
  log,
})
process.once('SIGTERM', () => void end())
await store.start()
await consumer.start()

function reach(point: string): void {
  if (point !== plan.die?.at) return
  occasions += 1
  if (occasions === plan.die.occasion) process.kill(process.pid, 'SIGKILL')
}

async function end(): Promise<void> {
  await consumer.stop()
  await store.stop()
  process.exit(0)
}
