/**
 * A worker behind Kafka, for tests; and, run as a program, a process of it that kills itself at the moment it is told
 * to. The program's one argument is a `Plan` as JSON.
 */
import { Registry } from 'prom-client'
import { createKafkaConsumer } from '../../core/bus/kafka/consumer.ts'
import { connectionTo, limitsOf, QUICK } from '../../core/bus/kafka/testing.ts'
import type { TopicSettings } from '../../core/bus/kafka/topics.ts'
import { createLogger } from '../../core/runtime/log.ts'
import type { Store } from '../../core/store/store.ts'
import { storeAt } from '../../core/store/testing.ts'
import { createEnricher } from '../enrich.ts'
import { createKafkaWorker } from '../kafka-worker.ts'

export type WorkerPlan = {
  brokers: readonly string[]
  topic: TopicSettings
  group: string
  /** Messages in a range. */
  messages: number
}

export type Plan = WorkerPlan & {
  folder: string
  /** Where to die: at a step of a range, or when a table's rows are in and those of the next are not. */
  die?: { at: 'read' | 'announced' | 'handshakes' | 'stored' | 'committed'; occasion: number }
  /** A guarantee to do without. */
  without?: 'token'
}

/** The real worker and consumer over a store; every address is in AS64500. */
export function workerOn(
  store: Pick<Store, 'query' | 'write'>,
  { brokers, topic, group, messages }: WorkerPlan,
  observe: (point: string) => void = () => undefined,
) {
  const registry = new Registry()
  const enricher = createEnricher({
    lookup: {
      generation: () => 1,
      find: () => ({ asn: 64_500, network: 'Example', label: '', lookup: 'known' }),
    },
    prefix: { ipv4: 24, ipv6: 48 },
    truncateAddresses: false,
    clientKey: Buffer.alloc(32, 1),
  })
  const consumer = createKafkaConsumer({
    connection: connectionTo(brokers),
    topic,
    group,
    handler: createKafkaWorker({ enrich: (batch) => enricher.enrich(batch), store, registry }),
    limits: limitsOf(messages),
    timing: QUICK,
    registry,
    now: Date.now,
    onFailure: (error) => {
      throw error
    },
    observe,
    log: createLogger({ level: 'error' }),
  })
  return { consumer, registry }
}

async function main(plan: Plan): Promise<void> {
  let occasions = 0
  const reach = (point: string) => {
    if (point !== plan.die?.at) return
    occasions += 1
    if (occasions === plan.die.occasion) process.kill(process.pid, 'SIGKILL')
  }
  const store = storeAt(plan.folder)
  const command = store.command.bind(store)
  store.command = async (sql, parameters) => {
    await command(sql, parameters)
    const [, table] = /^INSERT INTO (\w+) SELECT/.exec(sql) ?? []
    if (table !== undefined) reach(table)
  }
  let writes = 0
  const write: Store['write'] = (block, options) => {
    writes += 1
    return store.write(block, plan.without === 'token' ? { token: `${process.pid}-${writes}` } : options)
  }
  const { consumer } = workerOn({ query: store.query, write }, plan, reach)
  process.once('SIGTERM', async () => {
    await consumer.stop()
    await store.stop()
    process.exit(0)
  })
  await store.start()
  await consumer.start()
}

// The parent hands it over as JSON of this very type.
if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '{}') as Plan)
