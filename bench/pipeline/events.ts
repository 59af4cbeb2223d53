import { gzipSync } from 'node:zlib'
import { type DecidingEvent, serializeEvents } from '../../core/event/index.ts'

/** A batch as an agent sends it. */
export type WireBatch = { agent: string; sequence: number; body: Buffer; plain: Buffer; events: number }

const CLIENTS = 20_000
const CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

/**
 * Batches of `agents` agents: 20,000 clients all over the address space with volumes by Zipf's law, 5 % that do not
 * complete, TLS facts on what completes and TCP_INFO on what stalls. Each agent sees a thousand handshakes a second:
 * a batch is what was decided in one second, and the next batch is of the next.
 */
export function createBatches(
  agents: number,
  batchesEach: number,
  eventsEach: number,
  now: number,
): WireBatch[] {
  const random = createRandom(7)
  const clients = Array.from({ length: CLIENTS }, () => clientAddress(random))
  const batches: WireBatch[] = []
  for (let sequence = 1; sequence <= batchesEach; sequence += 1) {
    for (let agent = 0; agent < agents; agent += 1) {
      const events = Array.from({ length: eventsEach }, (_, i) => {
        const client = clients[Math.floor(CLIENTS ** random()) - 1] ?? '192.0.2.1'
        return createEvent(
          `${agent}-${sequence}-${i}-${Math.floor(random() * 1e9).toString(36)}`,
          client,
          agent,
          now + sequence * 1_000,
          random,
        )
      })
      const plain = Buffer.from(serializeEvents(events))
      batches.push({
        agent: `edge-${agent}`,
        sequence,
        body: gzipSync(plain, { level: 1 }),
        plain,
        events: eventsEach,
      })
    }
  }
  return batches
}

function createEvent(
  id: string,
  client: string,
  agent: number,
  now: number,
  random: () => number,
): DecidingEvent {
  const decided = now - Math.floor(random() * 1_000)
  const about = {
    v: 1,
    id,
    decided_at: decided,
    opened_at: decided - 20 - Math.floor(random() * 200),
    site: `site-${agent % 4}`,
    source_address: client,
    source_port: 1_024 + Math.floor(random() * 64_000),
    destination_address: '198.51.100.1',
    destination_port: 443,
  } as const
  if (random() < 0.05) {
    return {
      ...about,
      state: 'closed',
      ended_by: 'timeout',
      opened_at: decided - 10_000,
      bytes_in: 0,
      bytes_out: 0,
      tcp_rtt_us: 40_000,
      tcp_mss: 1_460,
      tcp_pmtu: 1_500,
      tcp_segs_in: 1,
      tcp_ooo: 1,
      tcp_unacked: 0,
      tcp_lost: 0,
      tcp_sacked: 0,
      tcp_retrans: 0,
    }
  }
  return {
    ...about,
    state: 'active',
    server_name: 'www.example.com',
    tls_version: 'TLSv1.3',
    cipher: CIPHERS[Math.floor(random() * CIPHERS.length)] ?? '',
    alpn: 'h2',
    bytes_in: 1_800 + Math.floor(random() * 400),
    bytes_out: 3_000 + Math.floor(random() * 3_000),
  }
}

function clientAddress(random: () => number): string {
  const byte = () => Math.floor(random() * 256)
  if (random() < 0.3) {
    const group = () => Math.floor(random() * 65_536).toString(16)
    return `2a0${Math.floor(random() * 10)}:${group()}:${group()}::${group()}`
  }
  return `${1 + Math.floor(random() * 222)}.${byte()}.${byte()}.${byte()}`
}

function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
