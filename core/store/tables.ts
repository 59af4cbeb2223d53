import { CONFIDENCES, type HandshakeRow, LOOKUPS, OUTCOMES, POST_QUANTUM, STAGES } from './handshake-row.ts'
import { RowBinaryWriter } from './row-binary.ts'
import type { TableName, TableRows } from './store.ts'

/** A row of `dead_letters`: what could not be stored as a handshake, and why. Times in ms since 1970. */
export type DeadLetterRow = {
  received_at: number
  agent: string
  epoch: number
  sequence: number
  line: number
  bus_partition: number
  bus_offset: number
  reason: string
  field: string
  message: string
  bytes: number
  raw: Uint8Array
}

/** A row of `batches`: a batch of an agent that was stored. */
export type BatchRow = {
  received_at: number
  agent: string
  epoch: number
  sequence: number
  bus_partition: number
  bus_offset: number
  accepted: number
  handshakes: number
  rejected: number
}

/** Numbers that an Enum8 column stores for its names: in the order of the migrations. */
const enumFrom = (names: readonly string[], first: number) =>
  new Map(names.map((name, i) => [name, i + first]))
const LOOKUP = enumFrom(LOOKUPS, 1)
const OUTCOME = enumFrom(OUTCOMES, 1)
const STAGE = enumFrom(STAGES, 1)
const CONFIDENCE = enumFrom(CONFIDENCES, 0)
const POST_QUANTUM_OFFER = enumFrom(POST_QUANTUM, 0)

/** The columns in the order in which the encoders below write them: that of the tables. */
export const COLUMNS: Record<TableName, readonly string[]> = {
  handshakes: words(`
    agent epoch sequence line bus_partition bus_offset received_at id site opened_at decided_at
    source_address source_port destination_address destination_port ip_version prefix client asn
    network label lookup server_name tls_version cipher alpn hello_bytes hello_segments
    hello_post_quantum bytes_in bytes_out ended_by alert alert_side error tcp_seen tcp_rtt_us
    tcp_mss tcp_pmtu tcp_segs_in tcp_segs_out tcp_ooo tcp_bytes_acked tcp_unacked tcp_lost
    tcp_sacked tcp_retrans handshake_ms outcome stage cause confidence evidence`),
  dead_letters: words(`
    received_at agent epoch sequence line bus_partition bus_offset reason field message bytes raw`),
  batches: words(`
    received_at agent epoch sequence bus_partition bus_offset accepted handshakes rejected`),
}

export function encodeHandshakes(rows: readonly HandshakeRow[]): TableRows {
  return encode('handshakes', [rows], writeHandshake, rows.length * 320)
}

/** The same, group by group: of an iterable that makes them as they are asked for, only one group lives at a time. */
export function encodeHandshakeGroups(
  groups: Iterable<readonly HandshakeRow[]>,
  expectedRows: number,
): TableRows {
  return encode('handshakes', groups, writeHandshake, expectedRows * 320)
}

export function encodeDeadLetters(rows: readonly DeadLetterRow[]): TableRows {
  return encode('dead_letters', [rows], writeDeadLetter, rows.length * 512)
}

export function encodeBatches(rows: readonly BatchRow[]): TableRows {
  return encode('batches', [rows], writeBatch, rows.length * 96)
}

function encode<Row>(
  table: TableName,
  groups: Iterable<readonly Row[]>,
  write: (to: RowBinaryWriter, row: Row) => void,
  expectedBytes: number,
): TableRows {
  const writer = new RowBinaryWriter(expectedBytes + 64)
  let count = 0
  for (const rows of groups) {
    count += rows.length
    for (const row of rows) write(writer, row)
  }
  return { table, rows: count, data: writer.done() }
}

function writeHandshake(to: RowBinaryWriter, row: HandshakeRow): void {
  to.string(row.agent)
  to.uint64(row.epoch)
  to.uint64(row.sequence)
  to.uint32(row.line)
  to.uint32(row.bus_partition)
  to.uint64(row.bus_offset)
  to.uint64(row.received_at)
  to.string(row.id)
  to.string(row.site)
  to.uint64(row.opened_at)
  to.uint64(row.decided_at)
  to.raw(row.source_address)
  to.uint16(row.source_port)
  to.raw(row.destination_address)
  to.uint16(row.destination_port)
  to.uint8(row.ip_version)
  to.string(row.prefix)
  to.bigUint64(row.client)
  to.uint32(row.asn)
  to.string(row.network)
  to.string(row.label)
  to.uint8(LOOKUP.get(row.lookup) ?? 0)
  writeTls(to, row)
  writeTcp(to, row)
  to.uint32(row.handshake_ms)
  to.uint8(OUTCOME.get(row.outcome) ?? 0)
  to.uint8(STAGE.get(row.stage) ?? 0)
  to.string(row.cause)
  to.uint8(CONFIDENCE.get(row.confidence) ?? 0)
  to.string(row.evidence)
}

function writeTls(to: RowBinaryWriter, row: HandshakeRow): void {
  to.string(row.server_name)
  to.string(row.tls_version)
  to.string(row.cipher)
  to.string(row.alpn)
  to.uint32(row.hello_bytes)
  to.uint16(row.hello_segments)
  to.uint8(POST_QUANTUM_OFFER.get(row.hello_post_quantum) ?? 0)
  to.uint64(row.bytes_in)
  to.uint64(row.bytes_out)
  to.string(row.ended_by)
  to.uint16(row.alert)
  to.string(row.alert_side)
  to.string(row.error)
}

function writeTcp(to: RowBinaryWriter, row: HandshakeRow): void {
  to.uint8(row.tcp_seen ? 1 : 0)
  to.uint32(row.tcp_rtt_us)
  to.uint32(row.tcp_mss)
  to.uint32(row.tcp_pmtu)
  to.uint32(row.tcp_segs_in)
  to.uint32(row.tcp_segs_out)
  to.uint32(row.tcp_ooo)
  to.uint64(row.tcp_bytes_acked)
  to.uint32(row.tcp_unacked)
  to.uint32(row.tcp_lost)
  to.uint32(row.tcp_sacked)
  to.uint32(row.tcp_retrans)
}

function writeDeadLetter(to: RowBinaryWriter, row: DeadLetterRow): void {
  to.uint64(row.received_at)
  to.string(row.agent)
  to.uint64(row.epoch)
  to.uint64(row.sequence)
  to.uint32(row.line)
  to.uint32(row.bus_partition)
  to.uint64(row.bus_offset)
  to.string(row.reason)
  to.string(row.field)
  to.string(row.message)
  to.uint64(row.bytes)
  to.blob(row.raw)
}

function writeBatch(to: RowBinaryWriter, row: BatchRow): void {
  to.uint64(row.received_at)
  to.string(row.agent)
  to.uint64(row.epoch)
  to.uint64(row.sequence)
  to.uint32(row.bus_partition)
  to.uint64(row.bus_offset)
  to.uint32(row.accepted)
  to.uint32(row.handshakes)
  to.uint32(row.rejected)
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
