/**
 * What the detector reads: one row per minute and stratum (site and IP version) of a network or of one of its
 * prefixes. Names are the store's.
 */
export type MinuteCount = {
  /** Start of the minute, seconds since 1970. */
  minute: number
  /** A network is (asn, label); asn 0 with label '' is "unknown": part of the world, never judged. */
  asn: number
  /** '' unless the operator named the prefix. */
  label: string
  /** '' for the network's own stream, a CIDR for one of its prefixes. */
  prefix: string
  site: string
  ip_version: number
  /** Handshakes decided in the minute; noise and unknown are not in. */
  completed: number
  failed: number
  /** Distinct clients with a completed or failed handshake in the minute. */
  clients: number
  /** Distinct clients with a failed handshake in the minute. */
  failed_clients: number
  /** Hash of the client with most failed handshakes in the minute, '' if none. */
  worst_client: string
  /** Its failed handshakes. */
  worst_client_failed: number
}

export const MINUTE = 60
export const HOUR = 3600
