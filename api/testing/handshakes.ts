import type { HandshakeRow } from '../../core/store/handshake-row.ts'
import { handshakeRow, mapped } from '../../core/store/testing.ts'

/** What a test says of a handshake; the rest follows from it or does not matter. */
export type Given = Partial<Omit<HandshakeRow, 'source_address'>> & {
  decided_at: number
  /** The client, IPv4. */
  source?: string
}

let made = 0

/** A completed handshake of AS64500 with an id of its own; a failed one timed out without a byte read. */
export function handshake({ source = '192.0.2.7', ...given }: Given): HandshakeRow {
  made += 1
  const [a = 0, b = 0, c = 0, d = 0] = source.split('.').map(Number)
  return handshakeRow({
    id: `c${String(made).padStart(6, '0')}`,
    line: made,
    source_address: mapped(a, b, c, d),
    prefix: `${a}.${b}.${c}.0/24`,
    client: BigInt(((a * 256 + b) * 256 + c) * 256 + d),
    ...(given.outcome === 'failed' && FAILED),
    ...given,
  })
}

const FAILED: Partial<HandshakeRow> = {
  outcome: 'failed',
  stage: 'hello_partial',
  cause: 'mtu_inbound',
  confidence: 'likely',
  evidence: '1 segment out of order, 0 bytes read',
  ended_by: 'timeout',
  tls_version: '',
  cipher: '',
  alpn: '',
  bytes_in: 0,
  bytes_out: 0,
  hello_bytes: 0,
  hello_segments: 0,
  hello_post_quantum: 'unknown',
  tcp_seen: true,
  tcp_segs_in: 1,
  tcp_ooo: 1,
  handshake_ms: 10_000,
}
