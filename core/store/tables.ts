import { CONFIDENCES, type HandshakeRow, LOOKUPS, OUTCOMES, POST_QUANTUM, STAGES } from './handshake-row.ts'
import {
  AddressColumn,
  BigColumn,
  type Column,
  EnumColumn,
  encodeColumns,
  LongColumn,
  LowCardinalityColumn,
  NumberColumn,
  StringColumn,
} from './native/columns.ts'
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

/** The columns that are written and their types, in the order of the tables. */
export const COLUMNS: Record<TableName, readonly { name: string; type: string }[]> = {
  handshakes: described(handshakeColumns(0)),
  dead_letters: described(deadLetterColumns(0)),
  batches: described(batchColumns(0)),
}

export function encodeHandshakes(rows: readonly HandshakeRow[]): TableRows {
  const columns = handshakeColumns(rows.length)
  for (const row of rows) addHandshake(columns, row)
  return { table: 'handshakes', rows: rows.length, data: encodeColumns(columns, rows.length) }
}

/** The same, group by group: of an iterable that makes them as they are asked for, only one group lives at a time. */
export async function encodeHandshakeGroups(
  groups: AsyncIterable<readonly HandshakeRow[]>,
  rows: number,
): Promise<TableRows> {
  const columns = handshakeColumns(rows)
  for await (const group of groups) for (const row of group) addHandshake(columns, row)
  return { table: 'handshakes', rows, data: encodeColumns(columns, rows) }
}

export function encodeDeadLetters(rows: readonly DeadLetterRow[]): TableRows {
  const columns = deadLetterColumns(rows.length)
  for (const row of rows) addDeadLetter(columns, row)
  return { table: 'dead_letters', rows: rows.length, data: encodeColumns(columns, rows.length) }
}

export function encodeBatches(rows: readonly BatchRow[]): TableRows {
  const columns = batchColumns(rows.length)
  for (const row of rows) addBatch(columns, row)
  return { table: 'batches', rows: rows.length, data: encodeColumns(columns, rows.length) }
}

function handshakeColumns(rows: number) {
  const { long, time, uint8, uint16, uint32, name, text, bool, oneOf } = makers(rows)
  return {
    agent: name(),
    epoch: long(),
    sequence: long(),
    line: uint32(),
    bus_partition: uint32(),
    bus_offset: long(),
    received_at: time(),
    id: text(),
    site: name(),
    opened_at: time(),
    decided_at: time(),
    source_address: new AddressColumn(rows),
    source_port: uint16(),
    destination_address: new AddressColumn(rows),
    destination_port: uint16(),
    ip_version: uint8(),
    prefix: text(),
    client: new BigColumn(rows),
    asn: uint32(),
    network: name(),
    label: name(),
    lookup: oneOf(LOOKUPS, 1),
    server_name: name(),
    tls_version: name(),
    cipher: name(),
    alpn: name(),
    hello_bytes: uint32(),
    hello_segments: uint16(),
    hello_post_quantum: oneOf(POST_QUANTUM, 0),
    bytes_in: long(),
    bytes_out: long(),
    ended_by: name(),
    alert: new NumberColumn('Int16', new Int16Array(rows)),
    alert_side: name(),
    error: name(),
    tcp_seen: bool(),
    tcp_rtt_us: uint32(),
    tcp_mss: uint32(),
    tcp_pmtu: uint32(),
    tcp_segs_in: uint32(),
    tcp_segs_out: uint32(),
    tcp_ooo: uint32(),
    tcp_bytes_acked: long(),
    tcp_unacked: uint32(),
    tcp_lost: uint32(),
    tcp_sacked: uint32(),
    tcp_retrans: uint32(),
    handshake_ms: uint32(),
    outcome: oneOf(OUTCOMES, 1),
    stage: oneOf(STAGES, 1),
    cause: name(),
    confidence: oneOf(CONFIDENCES, 0),
    evidence: text(),
  }
}

/** Written out: a loop over names costs several times as much. */
function addHandshake(to: ReturnType<typeof handshakeColumns>, row: HandshakeRow): void {
  to.agent.add(row.agent)
  to.epoch.add(row.epoch)
  to.sequence.add(row.sequence)
  to.line.add(row.line)
  to.bus_partition.add(row.bus_partition)
  to.bus_offset.add(row.bus_offset)
  to.received_at.add(row.received_at)
  to.id.add(row.id)
  to.site.add(row.site)
  to.opened_at.add(row.opened_at)
  to.decided_at.add(row.decided_at)
  to.source_address.add(row.source_address)
  to.source_port.add(row.source_port)
  to.destination_address.add(row.destination_address)
  to.destination_port.add(row.destination_port)
  to.ip_version.add(row.ip_version)
  to.prefix.add(row.prefix)
  to.client.add(row.client)
  to.asn.add(row.asn)
  to.network.add(row.network)
  to.label.add(row.label)
  to.lookup.add(row.lookup)
  to.server_name.add(row.server_name)
  to.tls_version.add(row.tls_version)
  to.cipher.add(row.cipher)
  to.alpn.add(row.alpn)
  to.hello_bytes.add(row.hello_bytes)
  to.hello_segments.add(row.hello_segments)
  to.hello_post_quantum.add(row.hello_post_quantum)
  to.bytes_in.add(row.bytes_in)
  to.bytes_out.add(row.bytes_out)
  to.ended_by.add(row.ended_by)
  to.alert.add(row.alert)
  to.alert_side.add(row.alert_side)
  to.error.add(row.error)
  to.tcp_seen.add(row.tcp_seen ? 1 : 0)
  to.tcp_rtt_us.add(row.tcp_rtt_us)
  to.tcp_mss.add(row.tcp_mss)
  to.tcp_pmtu.add(row.tcp_pmtu)
  to.tcp_segs_in.add(row.tcp_segs_in)
  to.tcp_segs_out.add(row.tcp_segs_out)
  to.tcp_ooo.add(row.tcp_ooo)
  to.tcp_bytes_acked.add(row.tcp_bytes_acked)
  to.tcp_unacked.add(row.tcp_unacked)
  to.tcp_lost.add(row.tcp_lost)
  to.tcp_sacked.add(row.tcp_sacked)
  to.tcp_retrans.add(row.tcp_retrans)
  to.handshake_ms.add(row.handshake_ms)
  to.outcome.add(row.outcome)
  to.stage.add(row.stage)
  to.cause.add(row.cause)
  to.confidence.add(row.confidence)
  to.evidence.add(row.evidence)
}

function deadLetterColumns(rows: number) {
  const { long, time, uint32, name, text } = makers(rows)
  return {
    received_at: time(),
    agent: name(),
    epoch: long(),
    sequence: long(),
    line: uint32(),
    bus_partition: uint32(),
    bus_offset: long(),
    reason: name(),
    field: name(),
    message: text(),
    bytes: long(),
    raw: text(),
  }
}

function addDeadLetter(to: ReturnType<typeof deadLetterColumns>, row: DeadLetterRow): void {
  to.received_at.add(row.received_at)
  to.agent.add(row.agent)
  to.epoch.add(row.epoch)
  to.sequence.add(row.sequence)
  to.line.add(row.line)
  to.bus_partition.add(row.bus_partition)
  to.bus_offset.add(row.bus_offset)
  to.reason.add(row.reason)
  to.field.add(row.field)
  to.message.add(row.message)
  to.bytes.add(row.bytes)
  to.raw.addBytes(row.raw)
}

function batchColumns(rows: number) {
  const { long, time, uint32, name } = makers(rows)
  return {
    received_at: time(),
    agent: name(),
    epoch: long(),
    sequence: long(),
    bus_partition: uint32(),
    bus_offset: long(),
    accepted: uint32(),
    handshakes: uint32(),
    rejected: uint32(),
  }
}

function addBatch(to: ReturnType<typeof batchColumns>, row: BatchRow): void {
  to.received_at.add(row.received_at)
  to.agent.add(row.agent)
  to.epoch.add(row.epoch)
  to.sequence.add(row.sequence)
  to.bus_partition.add(row.bus_partition)
  to.bus_offset.add(row.bus_offset)
  to.accepted.add(row.accepted)
  to.handshakes.add(row.handshakes)
  to.rejected.add(row.rejected)
}

/** Columns with room for `rows` values, by what they hold. */
function makers(rows: number) {
  return {
    uint8: () => new NumberColumn('UInt8', new Uint8Array(rows)),
    uint16: () => new NumberColumn('UInt16', new Uint16Array(rows)),
    uint32: () => new NumberColumn('UInt32', new Uint32Array(rows)),
    bool: () => new NumberColumn('Bool', new Uint8Array(rows)),
    long: () => new LongColumn('UInt64', rows),
    time: () => new LongColumn("DateTime64(3, 'UTC')", rows),
    name: () => new LowCardinalityColumn(rows),
    text: () => new StringColumn(rows),
    oneOf: (names: readonly string[], first: number) => new EnumColumn(names, first, rows),
  }
}

function described(columns: Readonly<Record<string, Column>>): { name: string; type: string }[] {
  return Object.entries(columns).map(([name, { type }]) => ({ name, type }))
}
