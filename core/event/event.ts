import type { EndedBy, FieldName, Side, State, TlsVersion } from './fields.ts'

/** Version of the contract that this code writes and reads. */
export const EVENT_VERSION = 1

/** Facts the kernel knew of the connection when it stalled or ended (Linux `struct tcp_info`). */
export type TcpFacts = {
  tcp_rtt_us?: number
  tcp_mss?: number
  tcp_pmtu?: number
  tcp_segs_in?: number
  tcp_segs_out?: number
  tcp_ooo?: number
  tcp_bytes_acked?: number
  tcp_unacked?: number
  tcp_lost?: number
  tcp_sacked?: number
  tcp_retrans?: number
}

/** What is known of a connection whatever became of it. Units and bounds: `FIELDS`. */
export type ConnectionFacts = TcpFacts & {
  v: typeof EVENT_VERSION
  id: string
  opened_at: number
  site?: string
  source_address: string
  source_port: number
  destination_address: string
  destination_port: number
  server_name?: string
  tls_version?: TlsVersion
  cipher?: string
  alpn?: string
  hello_bytes?: number
  hello_segments?: number
  hello_post_quantum?: boolean
  bytes_in: number
  bytes_out: number
  alert?: number
  alert_side?: Side
  error?: string
}

export type NewEvent = ConnectionFacts & { state: 'new' }
export type ActiveEvent = ConnectionFacts & { state: 'active'; decided_at: number }
export type ClosedEvent = ConnectionFacts & { state: 'closed'; decided_at: number; ended_by: EndedBy }

/** The events that decide a handshake: every accepted connection has exactly one. */
export type DecidingEvent = ActiveEvent | ClosedEvent
export type ConnectionEvent = NewEvent | DecidingEvent

// The types above and the FIELDS table name the same fields; a field in one alone breaks the build here.
type NamedInTypes = keyof NewEvent | keyof ClosedEvent
type SameNames = [FieldName] extends [NamedInTypes]
  ? [NamedInTypes] extends [FieldName]
    ? true
    : never
  : never
const sameNames: SameNames = true
void sameNames

export function isDeciding(event: ConnectionEvent): event is DecidingEvent {
  return event.state !== 'new'
}

export type { EndedBy, Side, State, TlsVersion }
