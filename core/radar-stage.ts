import type { Stage } from './store/handshake-row.ts'

/**
 * Cloudflare Radar's stages of connections that end in a reset or a timeout within their first ten packets.
 * Source: https://blog.cloudflare.com/tcp-resets-timeouts and the Radar API, `tcp_resets_timeouts`.
 */
export const RADAR_STAGES = ['post_syn', 'post_ack', 'post_psh', 'later_in_flow', 'no_match'] as const
export type RadarStage = (typeof RADAR_STAGES)[number]

/** The columns of a handshake that say its Radar stage. */
export type RadarFacts = {
  readonly stage: Stage
  readonly ended_by: string
  readonly bytes_in: number
  readonly hello_segments: number
  readonly tcp_seen: boolean
  readonly tcp_segs_in: number
}

/** Radar's ten packets, less the SYN and the ACK that every connection begins with. */
const RADAR_DATA_PACKETS = 8
/** Payload of a full-size segment on Ethernet, with timestamps. */
const SEGMENT_BYTES = 1448

/**
 * Where Radar would count this handshake: `post_syn` when only the SYN had come, `post_ack` when the connection was
 * established and no data had come, `post_psh` after one packet with data, `later_in_flow` after several,
 * and `no_match` for all that did not end in a reset or a timeout, or ended later than Radar looks. Packets
 * without data are not among our facts, so a connection of about ten packets may be counted differently.
 */
export function radarStage(facts: RadarFacts): RadarStage {
  if (facts.stage === 'completed') return 'no_match'
  if (facts.ended_by !== 'reset' && facts.ended_by !== 'timeout') return 'no_match'
  if (facts.stage === 'syn') return 'post_syn'
  const packets = dataPackets(facts)
  if (packets === 0) return 'post_ack'
  if (packets === 1) return 'post_psh'
  return packets <= RADAR_DATA_PACKETS ? 'later_in_flow' : 'no_match'
}

/** Packets with data from the client: as the kernel counted them, else as few as the bytes fit into. */
function dataPackets({ bytes_in, hello_segments, tcp_seen, tcp_segs_in }: RadarFacts): number {
  if (tcp_seen) return tcp_segs_in
  return Math.max(Math.ceil(bytes_in / SEGMENT_BYTES), bytes_in > 0 ? hello_segments : 0)
}
