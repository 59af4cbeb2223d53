import { Counter, Gauge, type Registry } from 'prom-client'

/** What the reading end of the bus counts. */
export type ConsumerMetrics = ReturnType<typeof createConsumerMetrics>

export function createConsumerMetrics(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `halfshake_bus_${name}_total`, help, labelNames, registers })
  return {
    lag: new Gauge({
      name: 'halfshake_bus_lag',
      help: 'Messages of a partition that are not stored yet.',
      labelNames: ['partition'],
      registers,
    }),
    read: counter('read', 'Messages read and dealt with.'),
    ranges: counter('ranges', 'Ranges stored: fresh, or rebuilt from an intent.', ['kind']),
    retried: counter('ranges_retried', 'Tries to store a range that failed and were repeated.'),
    dead: counter('dead_letters', 'Messages moved to the dead-letter topic, by reason.', ['reason']),
    rebalances: counter('rebalances', 'Rounds of the group that this process joined.'),
    abandoned: counter('ranges_abandoned', 'Ranges broken off because their partition went elsewhere.'),
    outOfRange: counter('offset_out_of_range', 'Times that the place in a partition was lost, by reason.', [
      'reason',
    ]),
    missed: counter('missed', 'Messages that expired before they were read.'),
    restarts: counter('consumer_restarts', 'Times that the Kafka client was started anew after it failed.'),
  }
}
