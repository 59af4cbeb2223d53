/**
 * A row of the raw table `handshakes`: one decided handshake, with what the agent reported (facts) and what
 * the enricher added (network) and concluded (outcome, stage, cause). Column names and order are the table's.
 */

export const OUTCOMES = ['completed', 'failed', 'noise', 'unknown'] as const
export const STAGES = ['syn', 'connected', 'hello_partial', 'hello', 'server_flight', 'completed'] as const
export const CONFIDENCES = ['none', 'possible', 'likely', 'certain'] as const
export const LOOKUPS = ['known', 'unknown', 'broken'] as const
export const POST_QUANTUM = ['unknown', 'no', 'yes'] as const

export type Outcome = (typeof OUTCOMES)[number]
export type Stage = (typeof STAGES)[number]
export type Confidence = (typeof CONFIDENCES)[number]
/** Whether the address database names the network: it does, it says nobody announces it, or it could not be asked. */
export type Lookup = (typeof LOOKUPS)[number]
export type PostQuantum = (typeof POST_QUANTUM)[number]

/** What was concluded of one handshake. Empty strings where there is nothing to say. */
export type Conclusion = {
  outcome: Outcome
  stage: Stage
  /** Stable name of the cause (`mtu_inbound`, …), '' when completed. */
  cause: string
  confidence: Confidence
  /** The evidence in words a person can paste into a ticket, '' when completed. */
  evidence: string
}

/** Where an address belongs. */
export type Network = {
  /** Autonomous system number, 0 when unknown. */
  asn: number
  /** Its name as the database has it, '' when unknown. */
  network: string
  /** The operator's own name for it (networks.csv), '' when none. */
  label: string
  lookup: Lookup
}

export type HandshakeRow = Network &
  Conclusion & {
    agent: string
    epoch: number
    sequence: number
    /** Line in the agent's batch, from 1. */
    line: number
    /** Where on the bus the batch lay; 0 and 0 when there is no broker. */
    bus_partition: number
    bus_offset: number
    /** Milliseconds since 1970, as all times here. */
    received_at: number
    id: string
    site: string
    opened_at: number
    decided_at: number
    /** 16 bytes; IPv4 as ::ffff:a.b.c.d. Truncated to the prefix when so configured. */
    source_address: Uint8Array
    source_port: number
    destination_address: Uint8Array
    destination_port: number
    ip_version: 4 | 6
    /** CIDR text: 203.0.113.0/24, 2001:db8::/48. */
    prefix: string
    /** Keyed hash of the whole source address: counts clients even where addresses are stored truncated. */
    client: bigint
    server_name: string
    tls_version: string
    cipher: string
    alpn: string
    /** 0 when the ClientHello was not seen. */
    hello_bytes: number
    hello_segments: number
    hello_post_quantum: PostQuantum
    bytes_in: number
    bytes_out: number
    /** '' when completed. */
    ended_by: string
    /** -1 when there was none. */
    alert: number
    alert_side: string
    error: string
    /** Whether the kernel was asked (TCP_INFO); when not, the tcp_ columns are 0. */
    tcp_seen: boolean
    tcp_rtt_us: number
    tcp_mss: number
    tcp_pmtu: number
    tcp_segs_in: number
    tcp_segs_out: number
    tcp_ooo: number
    tcp_bytes_acked: number
    tcp_unacked: number
    tcp_lost: number
    tcp_sacked: number
    tcp_retrans: number
    /** decided_at - opened_at. */
    handshake_ms: number
  }
