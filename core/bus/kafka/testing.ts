import type { DecidingEvent } from '../../event/index.ts'
import type { Batch } from '../bus.ts'

/** Builders for tests of whatever stands on the bus. */

/** A batch of `events` completed handshakes, one in ten failed; ids are unique by agent, epoch and sequence. */
export function batchOf({
  agent = 'edge-1',
  epoch = 1,
  sequence = 1,
  events = 10,
  receivedAt = Date.now(),
}: {
  agent?: string
  epoch?: number
  sequence?: number
  events?: number
  receivedAt?: number
} = {}): Batch {
  return {
    agent,
    epoch,
    sequence,
    received_at: receivedAt,
    bus_partition: 0,
    bus_offset: 0,
    events: Array.from({ length: events }, (_, i) => ({
      line: i + 1,
      event: eventOf(`${agent.replace(/[^A-Za-z0-9]/g, '')}-${epoch}-${sequence}-${i}`, i, receivedAt),
    })),
    opened: 0,
    refused: [],
  }
}

function eventOf(id: string, i: number, at: number): DecidingEvent {
  const about = {
    v: 1,
    id,
    opened_at: at - 1_000,
    decided_at: at - 900,
    source_address: `192.0.2.${i % 250}`,
    source_port: 10_000 + i,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 517,
    bytes_out: 0,
  } as const
  return i % 10 === 9
    ? { ...about, state: 'closed', ended_by: 'reset' }
    : { ...about, state: 'active', tls_version: 'TLSv1.3', bytes_out: 4_000 }
}
