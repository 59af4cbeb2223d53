import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '../runtime/log.ts'
import { createEmbeddedStore } from './embedded.ts'
import type { HandshakeRow } from './handshake-row.ts'
import type { Store } from './store.ts'

/** Builders for tests of whatever stands on the store. */

export const silent = createLogger({ level: 'silent' })

const DAY = 86_400_000

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'halfshake-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The real engine over a folder, with retention long enough for any test's times. */
export function storeAt(folder: string): ReturnType<typeof createEmbeddedStore> {
  return createEmbeddedStore({
    folder,
    retention: { raw: 90 * DAY, minutes: 90 * DAY, hours: 400 * DAY },
    fsync: false,
    readers: 2,
    log: silent,
  })
}

/** A completed handshake from 192.0.2.7 in AS64500; every field can be given. */
export function handshakeRow(given: Partial<HandshakeRow> = {}): HandshakeRow {
  const decided = given.decided_at ?? Date.now()
  return {
    agent: 'edge-1',
    epoch: 1,
    sequence: 1,
    line: 1,
    bus_partition: 0,
    bus_offset: 0,
    received_at: decided,
    id: 'c-1',
    site: 'fra',
    opened_at: decided - 50,
    decided_at: decided,
    source_address: mapped(192, 0, 2, 7),
    source_port: 40_000,
    destination_address: mapped(198, 51, 100, 1),
    destination_port: 443,
    ip_version: 4,
    prefix: '192.0.2.0/24',
    client: 7n,
    asn: 64_500,
    network: 'Example Net',
    label: '',
    lookup: 'known',
    server_name: 'www.example.com',
    tls_version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    alpn: 'h2',
    hello_bytes: 1_700,
    hello_segments: 2,
    hello_post_quantum: 'yes',
    bytes_in: 1_800,
    bytes_out: 4_100,
    ended_by: '',
    alert: -1,
    alert_side: '',
    error: '',
    tcp_seen: false,
    tcp_rtt_us: 0,
    tcp_mss: 0,
    tcp_pmtu: 0,
    tcp_segs_in: 0,
    tcp_segs_out: 0,
    tcp_ooo: 0,
    tcp_bytes_acked: 0,
    tcp_unacked: 0,
    tcp_lost: 0,
    tcp_sacked: 0,
    tcp_retrans: 0,
    handshake_ms: 50,
    outcome: 'completed',
    stage: 'completed',
    cause: '',
    confidence: 'none',
    evidence: '',
    ...given,
  }
}

/** The 16 bytes of an IPv4 address as the store has it. */
export function mapped(a: number, b: number, c: number, d: number): Uint8Array {
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b, c, d])
}

const ROLLUPS = [
  'minutes_by_network',
  'minutes_by_prefix',
  'hours_by_network',
  'hours_by_prefix',
  'minutes_by_site',
  'networks_by_hour',
] as const

/** Handshakes in the raw table and in every rollup: all the same, or something was lost or counted twice. */
export async function countEverywhere(store: Store): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const [raw] = await store.query<{ n: number }>('SELECT count() AS n FROM handshakes')
  counts['handshakes'] = raw?.n ?? 0
  for (const table of ROLLUPS) {
    const [row] = await store.query<{ n: number }>(`SELECT sum(handshakes) AS n FROM ${table}`)
    counts[table] = row?.n ?? 0
  }
  return counts
}

export function everywhere(count: number): Record<string, number> {
  return Object.fromEntries(['handshakes', ...ROLLUPS].map((table) => [table, count]))
}
