import type { DecidingEvent } from '../../core/event/event.ts'
import { cipherName } from './ciphers.ts'
import type { Ending } from './ending.ts'
import type { Side } from './side.ts'
import type { StreamFacts } from './stream.ts'

/** What is known of a connection when its handshake is decided. */
export type FlowFacts = {
  id: string
  site: string | undefined
  /** ms since 1970. */
  openedAt: number
  /** By the packets; a PROXY header may say another. */
  source: { address: string; port: number }
  destination: { address: string; port: number }
  inward: Side
  outward: Side
  rttUs: number | undefined
  helloSegments: number
  /** Segments that the server sent, and those of them that it sent again. */
  outSegments: number
  retrans: number
  /** SYN-ACKs; a kernel counts those after the first with its resends. */
  answers: number
}

/** Timestamps take so much of each segment (RFC 7323). */
const TIMESTAMPS_BYTES = 12
/** Where no SYN of it was captured: Ethernet. */
export const USUAL_MSS = 1_460

/**
 * One literal with a place for every field, those that are not known left undefined: spreading the known ones together
 * took a third of the time of reading a capture. Of TCP it has what the server's kernel would say, by what was seen: the
 * filter leaves segments out, but not how far they went.
 */
export function eventOf(
  flow: FlowFacts,
  at: number,
  state: DecidingEvent['state'],
  ending: Partial<Ending>,
): DecidingEvent {
  const { inward, outward } = flow
  outward.stream?.settle(at)
  const { clientHello, announced } = inward.tls.facts
  const isWhole = !inward.cut
  const isKnown = state === 'active' && !outward.cut
  const serverHello = isKnown ? outward.tls.facts.serverHello : undefined
  // Anyone can say so; a server that believes it goes on with the handshake.
  const isProxied = outward.tls.facts.serverHello !== undefined
  const source = (isProxied ? inward.proxy?.source : undefined) ?? flow.source
  const [into, out] = [inward.stream?.facts, outward.stream?.facts]
  const { unacked = 0, sacked = 0, acknowledged = 0 } = out ?? {}
  const sent = out === undefined ? 0 : reached(out, out.sent)
  // Where the capture lacks some of it nobody knows in how many it came, but come it has.
  const begun = into?.captureLoss === true ? undefined : announced
  const timestamps = inward.timestamps && outward.timestamps ? TIMESTAMPS_BYTES : 0
  const mss = Math.max(0, (inward.mss ?? USUAL_MSS) - timestamps)
  return {
    v: 1,
    id: flow.id,
    state,
    opened_at: Math.min(Math.round(flow.openedAt), Math.round(at)),
    decided_at: Math.round(at),
    site: flow.site,
    source_address: source.address,
    source_port: source.port,
    destination_address: flow.destination.address,
    destination_port: flow.destination.port,
    server_name: isWhole ? printable(clientHello?.serverName) : undefined,
    tls_version: serverHello?.version,
    cipher: serverHello === undefined ? undefined : cipherName(serverHello.cipher),
    ended_by: ending.ended_by,
    error: ending.error,
    alert: ending.alert,
    alert_side: ending.alert_side,
    hello_bytes: clientHello?.bytes ?? begun,
    hello_segments: clientHello === undefined ? begun && 0 : flow.helloSegments,
    hello_post_quantum: isWhole ? clientHello?.postQuantum : undefined,
    bytes_in: into === undefined ? 0 : Math.max(0, reached(into, into.bytes) - (inward.proxy?.bytes ?? 0)),
    bytes_out: sent,
    tcp_rtt_us: flow.rttUs,
    tcp_mss: mss,
    tcp_segs_in: into?.segments ?? 0,
    tcp_segs_out: Math.max(flow.outSegments, flow.retrans + Math.ceil(sent / (mss || USUAL_MSS))),
    tcp_ooo: into?.outOfOrder ?? 0,
    tcp_bytes_acked: Math.max(0, acknowledged),
    tcp_unacked: unacked,
    tcp_sacked: sacked,
    tcp_lost: flow.retrans > 0 ? Math.max(0, unacked - sacked) : 0,
    tcp_retrans: flow.retrans + flow.answers - 1,
  } as DecidingEvent
}

/** What was acknowledged has arrived, whether it was captured or not. */
function reached({ captureLoss, acknowledged }: StreamFacts, seen: number): number {
  return captureLoss ? Math.max(seen, acknowledged) : seen
}

/** A server name that the contract has room for. */
function printable(name: string | undefined): string | undefined {
  return name === undefined || name.length > 255 || /\p{Cc}/u.test(name) ? undefined : name
}
