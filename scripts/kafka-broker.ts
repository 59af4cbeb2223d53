/**
 * Starts a real Kafka broker on loopback, until Ctrl-C:
 *   npx tsx scripts/kafka-broker.ts [--port PORT] [--data FOLDER]
 * Its jars come from Maven Central at the first start and are kept in ~/.cache/halfshake. Needs Java 17 and mvn.
 */
import { parseArgs } from 'node:util'
import { startBroker } from '../core/bus/kafka/broker/testing.ts'

const { values } = parseArgs({ options: { port: { type: 'string' }, data: { type: 'string' } } })
const broker = await startBroker({
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values.data === undefined ? {} : { dataDir: values.data }),
  progress: (message) => console.error(message),
})
console.log(`KAFKA_BROKERS=${broker.brokers.join(',')}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void broker.stop().then(() => process.exit(0)))
}
