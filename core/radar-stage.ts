import type { Stage } from './store/handshake-row.ts'

export const RADAR_STAGES = ['post_syn', 'post_ack', 'post_psh', 'later_in_flow', 'no_match'] as const
export type RadarStage = (typeof RADAR_STAGES)[number]

export type RadarFacts = {
  stage: Stage
  /** '' when completed. */
  ended_by: string
  bytes_in: number
  /** 0 when not seen. */
  hello_segments: number
  tcp_seen: boolean
  tcp_segs_in: number
}

/** Radar looks at the first ten packets from the client: a SYN, an ACK and so many with data. */
const DATA_PACKETS = 8
const SEGMENT_BYTES = 1_460

/**
 * Where Cloudflare Radar would have put the connection in its "TCP resets and timeouts": how far it came, in packets
 * from the client, before a reset or a timeout within the first ten of them. Whatever ended otherwise, or completed,
 * matches none of its stages. Source: https://blog.cloudflare.com/tcp-resets-timeouts
 */
export function radarStage(facts: RadarFacts): RadarStage {
  if (facts.ended_by !== 'reset' && facts.ended_by !== 'timeout') return 'no_match'
  if (facts.stage === 'completed') return 'no_match'
  if (facts.stage === 'syn') return 'post_syn'
  const packets = dataPackets(facts)
  if (packets > DATA_PACKETS) return 'no_match'
  if (packets === 0) return 'post_ack'
  return packets === 1 ? 'post_psh' : 'later_in_flow'
}

/** Packets with data from the client: the kernel's count, else the agent's, else the fewest that the bytes fit in. */
function dataPackets({ tcp_seen, tcp_segs_in, hello_segments, bytes_in }: RadarFacts): number {
  if (tcp_seen) return tcp_segs_in
  return Math.max(hello_segments, Math.ceil(bytes_in / SEGMENT_BYTES))
}
