import { Counter, Gauge, type Registry } from 'prom-client'

/** What the sending end of the bus counts. */
export function createBusMetrics(registry: Registry, heldBytes: () => number) {
  const registers = [registry]
  new Gauge({
    name: 'halfshake_bus_waiting_bytes',
    help: 'Bytes of batches taken and not yet acknowledged by Kafka.',
    registers,
    collect() {
      this.set(heldBytes())
    },
  })
  const counter = (name: string, help: string) =>
    new Counter({ name: `halfshake_bus_${name}_total`, help, registers })
  return {
    published: counter('published', 'Batches acknowledged by Kafka.'),
    bytes: counter('published_bytes', 'Bytes of batches acknowledged by Kafka, zipped.'),
    failures: counter('send_failures', 'Requests to Kafka that failed and were tried again.'),
  }
}
