import type { DecidingEvent } from '../core/event/index.ts'
import type { Stage } from '../core/store/handshake-row.ts'
import { ALERT, alertFromOpensslCode } from './tls-alerts.ts'

/** An event's facts as the rules read them: nothing undefined, and ends that mean the same made the same. */
export type Facts = {
  readonly ended: Ended
  /** How long the handshake took or was waited for, ms. */
  readonly waited: number
  readonly stage: Stage
  readonly bytesIn: number
  readonly bytesOut: number
  readonly helloBytes: number
  readonly postQuantum: boolean
  readonly error: string
  readonly tcp: Tcp
}

/**
 * What the kernel knew. `ss` leaves out what is zero, so when the kernel was asked at all, an absent field is zero.
 */
export type Tcp = {
  readonly seen: boolean
  readonly rttMs: number
  readonly mss: number
  readonly segsIn: number
  readonly segsOut: number
  readonly ooo: number
  readonly acked: number
  readonly unacked: number
  readonly lost: number
  readonly sacked: number
  /** Segments sent again, of these as many as must have been SYN-ACKs, and the rest. */
  readonly retrans: number
  readonly synAckResends: number
  readonly dataResends: number
  /** Segments that arrived and are held back because something before them is missing. */
  readonly held: number
}

export type Ended =
  | { readonly by: 'completed' | 'timeout' | 'reset' | 'fin' | 'error' | 'agent_stopped' }
  | { readonly by: 'alert'; readonly alert: number; readonly side: 'client' | 'server' }

/** An alert in a record of its own, as a server sends it that refuses a ClientHello. */
export const ALERT_RECORD_BYTES = 7
/** Where the kernel tells none: Ethernet, with timestamps. */
const USUAL_MSS = 1448

const RESET_CODES = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE'])
const TIMEOUT_CODES = new Set(['ETIMEDOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT'])
const EOF_CODES = new Set(['ERR_SSL_UNEXPECTED_EOF_WHILE_READING', 'EOF'])

export function factsOf(event: DecidingEvent): Facts {
  const ended = endedOf(event)
  const tcp = tcpOf(event)
  return {
    ended,
    waited: event.decided_at - event.opened_at,
    stage: stageOf(event, ended, tcp),
    bytesIn: event.bytes_in,
    bytesOut: event.bytes_out,
    helloBytes: event.hello_bytes ?? 0,
    postQuantum: event.hello_post_quantum ?? false,
    error: event.error ?? '',
    tcp,
  }
}

/** An alert outranks the reset or the close that follows it; a socket error is what it did to the connection. */
function endedOf(event: DecidingEvent): Ended {
  if (event.state === 'active') return { by: 'completed' }
  if (event.alert !== undefined && event.alert_side !== undefined) {
    return { by: 'alert', alert: event.alert, side: event.alert_side }
  }
  const { ended_by, error = '' } = event
  if (ended_by === 'alert') return { by: 'error' }
  if (ended_by !== 'error') return { by: ended_by }
  if (RESET_CODES.has(error)) return { by: 'reset' }
  if (TIMEOUT_CODES.has(error)) return { by: 'timeout' }
  if (EOF_CODES.has(error)) return { by: 'fin' }
  const alert = alertFromOpensslCode(error)
  return alert === undefined ? { by: 'error' } : { by: 'alert', alert, side: 'client' }
}

function tcpOf(event: DecidingEvent): Tcp {
  const mss = event.tcp_mss ?? 0
  const segsIn = event.tcp_segs_in ?? 0
  const retrans = event.tcp_retrans ?? 0
  const synAckResends = synAckResendsOf(event)
  const read = Math.max(Math.ceil(event.bytes_in / (mss || USUAL_MSS)), event.hello_segments ?? 0)
  return {
    seen: tcpSeen(event),
    rttMs: (event.tcp_rtt_us ?? 0) / 1000,
    mss: mss || USUAL_MSS,
    segsIn,
    segsOut: event.tcp_segs_out ?? 0,
    ooo: event.tcp_ooo ?? 0,
    acked: event.tcp_bytes_acked ?? 0,
    unacked: event.tcp_unacked ?? 0,
    lost: event.tcp_lost ?? 0,
    sacked: event.tcp_sacked ?? 0,
    retrans,
    synAckResends,
    dataResends: retrans - synAckResends,
    held: Math.max(0, segsIn - (event.bytes_in === 0 ? 0 : read)),
  }
}

/**
 * The kernel counts resends of the SYN-ACK with those of data, but of segments sent those with data alone. Data takes so many
 * segments at least; where more were sent the first time, this many is too few.
 */
function synAckResendsOf({
  bytes_out,
  tcp_mss = 0,
  tcp_segs_out = 0,
  tcp_retrans = 0,
}: DecidingEvent): number {
  if (bytes_out === 0) return tcp_retrans
  if (tcp_segs_out === 0) return 0
  // A kernel that probes for a path MTU sends smaller segments later on than at first.
  const first = Math.ceil(bytes_out / Math.max(tcp_mss, USUAL_MSS))
  return Math.min(tcp_retrans, Math.max(0, tcp_retrans - (tcp_segs_out - first)))
}

/** Whether the kernel was asked: TCP_INFO always has an rtt and an mss, the rest may be left out when zero. */
export function tcpSeen(event: DecidingEvent): boolean {
  return (
    event.tcp_rtt_us !== undefined ||
    event.tcp_mss !== undefined ||
    event.tcp_segs_in !== undefined ||
    event.tcp_segs_out !== undefined ||
    event.tcp_ooo !== undefined ||
    event.tcp_unacked !== undefined ||
    event.tcp_lost !== undefined ||
    event.tcp_sacked !== undefined ||
    event.tcp_retrans !== undefined ||
    event.tcp_bytes_acked !== undefined ||
    event.tcp_pmtu !== undefined
  )
}

/**
 * How far the handshake got. A server answers a whole ClientHello in the same breath, so while it has written
 * nothing, and nobody saw how long the ClientHello was to be, nor what name it asks for, it is held to be incomplete.
 */
function stageOf(event: DecidingEvent, ended: Ended, tcp: Tcp): Stage {
  if (ended.by === 'completed') return 'completed'
  if (event.bytes_in === 0) return tcp.segsIn > 0 ? 'hello_partial' : 'connected'
  if (event.bytes_out > ALERT_RECORD_BYTES) return 'server_flight'
  if (event.hello_bytes !== undefined && event.hello_bytes > 0) {
    return event.hello_segments === 0 || event.bytes_in < event.hello_bytes ? 'hello_partial' : 'hello'
  }
  // Where nobody watched the wire the server's TLS library has the name, and it has it once the ClientHello is whole.
  if (event.server_name !== undefined) return 'hello'
  const judged = ended.by === 'alert' && ended.side === 'server' && ended.alert !== ALERT.closeNotify
  return judged || event.bytes_out > 0 || ended.by === 'error' ? 'hello' : 'hello_partial'
}
