import { createHmac } from 'node:crypto'
import type { Batch } from '../core/bus/bus.ts'
import type { ActiveEvent, ClosedEvent, DecidingEvent } from '../core/event/index.ts'
import type { HandshakeRow, Network, PostQuantum } from '../core/store/handshake-row.ts'
import { type PrefixLengths, parseAddress, parseBytes, prefixOf } from './address.ts'
import { conclude } from './conclude.ts'
import { tcpSeen } from './conclude-facts.ts'
import { createGenerationCache } from './generation-cache.ts'
import type { NetworkLookup } from './lookup.ts'

/** What an enricher reads of a batch. */
export type EnrichableBatch = Pick<
  Batch,
  'agent' | 'epoch' | 'sequence' | 'received_at' | 'bus_partition' | 'bus_offset' | 'events'
>

export type Enricher = {
  /** A row for each event, in their order. Never throws for an event that the contract allows. */
  enrich(batch: EnrichableBatch): HandshakeRow[]
}

/** All that an address adds to a row. One object serves every row of that address. */
type Source = Network & {
  /** As stored: truncated where so configured. */
  address: Uint8Array
  version: 4 | 6
  prefix: string
  client: bigint
}

/** Addresses remembered, at most twice as many: some 300 bytes each. */
const REMEMBERED_SOURCES = 32_768
/** A server has few addresses of its own. */
const REMEMBERED_DESTINATIONS = 1_024
const NO_ALERT = -1
/** Of a UInt32 column. Agents' clocks can jump between accept and decision. */
const MAX_MS = 0xffff_ffff
const UNSPECIFIED = new Uint8Array(16)

/**
 * Adds to events the network they came from and what is concluded of them. Addresses are looked up once and
 * remembered until the lookup changes. `clientKey` keys the hash that counts clients where addresses are truncated.
 */
export function createEnricher({
  lookup,
  prefix,
  truncateAddresses,
  clientKey,
}: {
  lookup: Pick<NetworkLookup, 'find' | 'generation'>
  prefix: PrefixLengths
  truncateAddresses: boolean
  clientKey: Buffer
}): Enricher {
  const sources = createGenerationCache<string, Source>(REMEMBERED_SOURCES)
  const destinations = createGenerationCache<string, Uint8Array>(REMEMBERED_DESTINATIONS)
  let generation = lookup.generation()

  return {
    enrich(batch) {
      if (lookup.generation() !== generation) {
        generation = lookup.generation()
        sources.clear()
      }
      return batch.events.map(({ line, event }) =>
        rowOf(batch, line, event, sourceOf(event.source_address), destinationOf(event.destination_address)),
      )
    },
  }

  function sourceOf(text: string): Source {
    const remembered = sources.get(text)
    if (remembered !== undefined) return remembered
    const source = describe(text)
    // What could not be asked is asked again: the next answer may be another.
    if (source.lookup !== 'broken') sources.set(text, source)
    return source
  }

  function describe(text: string): Source {
    // The contract lets nothing through that is no address; one that came anyway belongs to nobody.
    const address = parseAddress(text) ?? { text: '::', bytes: UNSPECIFIED, version: 6 }
    const within = prefixOf(address, prefix)
    return {
      ...lookup.find(address),
      address: truncateAddresses ? within.bytes : address.bytes,
      version: address.version,
      prefix: within.text,
      client: clientOf(address.bytes),
    }
  }

  /** First 64 bits of HMAC-SHA-256: without the key, addresses cannot be tried one by one. */
  function clientOf(bytes: Uint8Array): bigint {
    return createHmac('sha256', clientKey).update(bytes).digest().readBigUInt64BE(0)
  }

  function destinationOf(text: string): Uint8Array {
    const remembered = destinations.get(text)
    if (remembered !== undefined) return remembered
    const bytes = parseBytes(text) ?? UNSPECIFIED
    destinations.set(text, bytes)
    return bytes
  }
}

/** In the order of the columns. Written out: a loop over names costs several times as much. */
function rowOf(
  batch: EnrichableBatch,
  line: number,
  event: DecidingEvent,
  source: Source,
  destination: Uint8Array,
): HandshakeRow {
  const conclusion = conclude(event)
  return {
    agent: batch.agent,
    epoch: batch.epoch,
    sequence: batch.sequence,
    line,
    bus_partition: batch.bus_partition,
    bus_offset: batch.bus_offset,
    received_at: batch.received_at,
    id: event.id,
    site: event.site ?? '',
    opened_at: event.opened_at,
    decided_at: event.decided_at,
    source_address: source.address,
    source_port: event.source_port,
    destination_address: destination,
    destination_port: event.destination_port,
    ip_version: source.version,
    prefix: source.prefix,
    client: source.client,
    asn: source.asn,
    network: source.network,
    label: source.label,
    lookup: source.lookup,
    server_name: event.server_name ?? '',
    tls_version: event.tls_version ?? '',
    cipher: event.cipher ?? '',
    alpn: event.alpn ?? '',
    hello_bytes: event.hello_bytes ?? 0,
    hello_segments: event.hello_segments ?? 0,
    hello_post_quantum: postQuantum(event),
    bytes_in: event.bytes_in,
    bytes_out: event.bytes_out,
    ended_by: endedBy(event),
    alert: event.alert ?? NO_ALERT,
    alert_side: event.alert_side ?? '',
    error: event.error ?? '',
    tcp_seen: tcpSeen(event),
    tcp_rtt_us: event.tcp_rtt_us ?? 0,
    tcp_mss: event.tcp_mss ?? 0,
    tcp_pmtu: event.tcp_pmtu ?? 0,
    tcp_segs_in: event.tcp_segs_in ?? 0,
    tcp_segs_out: event.tcp_segs_out ?? 0,
    tcp_ooo: event.tcp_ooo ?? 0,
    tcp_bytes_acked: event.tcp_bytes_acked ?? 0,
    tcp_unacked: event.tcp_unacked ?? 0,
    tcp_lost: event.tcp_lost ?? 0,
    tcp_sacked: event.tcp_sacked ?? 0,
    tcp_retrans: event.tcp_retrans ?? 0,
    handshake_ms: Math.min(event.decided_at - event.opened_at, MAX_MS),
    outcome: conclusion.outcome,
    stage: conclusion.stage,
    cause: conclusion.cause,
    confidence: conclusion.confidence,
    evidence: conclusion.evidence,
  }
}

function endedBy(event: ActiveEvent | ClosedEvent): string {
  return event.state === 'closed' ? event.ended_by : ''
}

function postQuantum(event: DecidingEvent): PostQuantum {
  if (event.hello_post_quantum === undefined) return 'unknown'
  return event.hello_post_quantum ? 'yes' : 'no'
}
