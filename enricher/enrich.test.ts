import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActiveEvent, ClosedEvent, DecidingEvent } from '../core/event/index.ts'
import type { Network } from '../core/store/handshake-row.ts'
import { COLUMNS, encodeHandshakes } from '../core/store/tables.ts'
import type { Address } from './address.ts'
import { createEnricher, type EnrichableBatch } from './enrich.ts'

const KNOWN: Network = { asn: 64496, network: 'Docs', label: 'Customer', lookup: 'known' }

const ACTIVE: ActiveEvent = {
  v: 1,
  id: 'c-1',
  state: 'active',
  site: 'fra1',
  opened_at: 1_750_000_000_000,
  decided_at: 1_750_000_000_120,
  source_address: '::FFFF:203.0.113.77',
  source_port: 50_000,
  destination_address: '2001:db8::1%eth0',
  destination_port: 443,
  server_name: 'www.example.com',
  tls_version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  alpn: 'h2',
  hello_bytes: 1800,
  hello_segments: 2,
  hello_post_quantum: true,
  bytes_in: 1900,
  bytes_out: 3000,
}

const CLOSED: ClosedEvent = {
  v: 1,
  id: 'c-2',
  state: 'closed',
  opened_at: 1_750_000_000_000,
  decided_at: 1_750_000_010_000,
  source_address: '2001:DB8:1234:5678::9',
  source_port: 50_001,
  destination_address: '198.51.100.1',
  destination_port: 443,
  bytes_in: 349,
  bytes_out: 740,
  ended_by: 'alert',
  alert: 48,
  alert_side: 'client',
  error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  tcp_rtt_us: 1,
  tcp_mss: 2,
  tcp_pmtu: 3,
  tcp_segs_in: 4,
  tcp_segs_out: 5,
  tcp_ooo: 6,
  tcp_bytes_acked: 7,
  tcp_unacked: 8,
  tcp_lost: 9,
  tcp_sacked: 10,
  tcp_retrans: 11,
}

/** A lookup that answers what it is told to and counts how often it was asked. */
function lookupOf(answer: Network) {
  const state = { answer, generation: 1, asked: [] as string[] }
  return {
    state,
    generation: () => state.generation,
    find(address: Address): Network {
      state.asked.push(address.text)
      return state.answer
    },
  }
}

function create({ truncateAddresses = false, key = 'k', lookup = lookupOf(KNOWN) } = {}) {
  const prefix = { ipv4: 24, ipv6: 48 }
  return { lookup, ...createEnricher({ lookup, prefix, truncateAddresses, clientKey: Buffer.from(key) }) }
}

function batchOf(...events: DecidingEvent[]): EnrichableBatch {
  return {
    agent: 'edge-1',
    epoch: 5,
    sequence: 6,
    received_at: 1_750_000_020_000,
    bus_partition: 7,
    bus_offset: 8,
    events: events.map((event, at) => ({ line: at * 2 + 1, event })),
  }
}

function rowOf(event: DecidingEvent, options?: Parameters<typeof create>[0]) {
  const [row] = create(options).enrich(batchOf(event))
  if (row === undefined) throw new Error('no row')
  return row
}

function from(source_address: string): DecidingEvent {
  return { ...ACTIVE, source_address }
}

describe('createEnricher', () => {
  it('makes the row of a completed handshake', () => {
    const { source_address, destination_address, client, ...row } = rowOf(ACTIVE)
    expect(row).toEqual({
      agent: 'edge-1',
      epoch: 5,
      sequence: 6,
      line: 1,
      bus_partition: 7,
      bus_offset: 8,
      received_at: 1_750_000_020_000,
      id: 'c-1',
      site: 'fra1',
      opened_at: 1_750_000_000_000,
      decided_at: 1_750_000_000_120,
      source_port: 50_000,
      destination_port: 443,
      ip_version: 4,
      prefix: '203.0.113.0/24',
      ...KNOWN,
      server_name: 'www.example.com',
      tls_version: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      alpn: 'h2',
      hello_bytes: 1800,
      hello_segments: 2,
      hello_post_quantum: 'yes',
      bytes_in: 1900,
      bytes_out: 3000,
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
      handshake_ms: 120,
      outcome: 'completed',
      stage: 'completed',
      cause: '',
      confidence: 'none',
      evidence: '',
    })
    expect(Buffer.from(source_address).toString('hex')).toBe('00000000000000000000ffffcb00714d')
    expect(Buffer.from(destination_address).toString('hex')).toBe('20010db8000000000000000000000001')
    expect(client).toBeTypeOf('bigint')
  })

  it('makes the row of a failed handshake with what the kernel knew', () => {
    expect(rowOf(CLOSED)).toMatchObject({
      ip_version: 6,
      prefix: '2001:db8:1234::/48',
      site: '',
      server_name: '',
      hello_bytes: 0,
      hello_post_quantum: 'unknown',
      ended_by: 'alert',
      alert: 48,
      alert_side: 'client',
      error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      tcp_seen: true,
      tcp_rtt_us: 1,
      tcp_mss: 2,
      tcp_pmtu: 3,
      tcp_segs_in: 4,
      tcp_segs_out: 5,
      tcp_ooo: 6,
      tcp_bytes_acked: 7,
      tcp_unacked: 8,
      tcp_lost: 9,
      tcp_sacked: 10,
      tcp_retrans: 11,
      handshake_ms: 10_000,
      outcome: 'failed',
      stage: 'server_flight',
      cause: 'client_rejected',
      confidence: 'certain',
    })
  })

  it('has a value for every column of the table, and no other', () => {
    expect(Object.keys(rowOf(CLOSED)).sort()).toEqual(COLUMNS.handshakes.map(({ name }) => name).sort())
  })

  it('keeps the lines of the batch, which may have gaps', () => {
    const rows = create().enrich(batchOf(ACTIVE, CLOSED, ACTIVE))
    expect(rows.map(({ line }) => line)).toEqual([1, 3, 5])
    expect(encodeHandshakes(rows).rows).toBe(3)
  })

  it('stores the prefix in place of the address where so configured, the destination whole', () => {
    const row = rowOf(ACTIVE, { truncateAddresses: true })
    expect(Buffer.from(row.source_address).toString('hex')).toBe('00000000000000000000ffffcb007100')
    expect(Buffer.from(row.destination_address).toString('hex')).toBe('20010db8000000000000000000000001')
  })

  it('bounds the duration to its column when an agent changed its clock', () => {
    const event = { ...ACTIVE, opened_at: 946_684_800_000, decided_at: 7_258_118_400_000 }
    expect(rowOf(event).handshake_ms).toBe(4_294_967_295)
  })
})

describe('the client', () => {
  it('is the same for one address however it is written, also where addresses are truncated', () => {
    const { client } = rowOf(from('203.0.113.77'))
    expect(rowOf(from('::ffff:203.0.113.77')).client).toBe(client)
    expect(rowOf(from('::FFFF:CB00:714D'), { truncateAddresses: true }).client).toBe(client)
  })

  it('differs between addresses of one prefix and between keys', () => {
    const clients = [
      rowOf(from('203.0.113.77')).client,
      rowOf(from('203.0.113.78')).client,
      rowOf(from('203.0.113.77'), { key: 'another' }).client,
    ]
    expect(new Set(clients).size).toBe(3)
    for (const client of clients) expect(client >> 64n).toBe(0n)
  })
})

describe('looking up', () => {
  it('asks once for each address, over batches', () => {
    const { enrich, lookup } = create()
    enrich(batchOf(ACTIVE, ACTIVE, CLOSED))
    enrich(batchOf(CLOSED, ACTIVE))
    expect(lookup.state.asked).toEqual(['203.0.113.77', '2001:db8:1234:5678::9'])
  })

  it('asks again once the lookup has changed', () => {
    const { enrich, lookup } = create()
    enrich(batchOf(ACTIVE))
    lookup.state.answer = { asn: 1, network: 'New', label: '', lookup: 'known' }
    expect(enrich(batchOf(ACTIVE))[0]?.network).toBe('Docs')
    lookup.state.generation += 1
    expect(enrich(batchOf(ACTIVE))[0]).toMatchObject({ asn: 1, network: 'New', label: '' })
  })

  it('does not remember what could not be asked', () => {
    const { enrich, lookup } = create()
    lookup.state.answer = { asn: 0, network: '', label: '', lookup: 'broken' }
    expect(enrich(batchOf(ACTIVE))[0]?.lookup).toBe('broken')
    lookup.state.answer = KNOWN
    expect(enrich(batchOf(ACTIVE))[0]?.lookup).toBe('known')
  })

  it('gives each event the network of its own address, however many there are', () => {
    const { enrich } = createEnricherThatEchoes()
    const addresses = fc.array(fc.ipV4(), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(addresses, (texts) => {
        const rows = enrich(batchOf(...texts.map(from)))
        expect(rows.map(({ network }) => network)).toEqual(texts)
      }),
      { numRuns: 300 },
    )
  })
})

function createEnricherThatEchoes() {
  return createEnricher({
    lookup: {
      generation: () => 0,
      find: ({ text }) => ({ asn: 1, network: text, label: '', lookup: 'known' }),
    },
    prefix: { ipv4: 24, ipv6: 48 },
    truncateAddresses: false,
    clientKey: Buffer.from('k'),
  })
}
