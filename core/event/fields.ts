import { isIP } from 'node:net'

/**
 * The fields of a connection-state event, each with what is allowed in it.
 * This table is the contract: the parser, the OpenAPI schema and the docs are all made from it.
 * Names are the same on the wire, in the store's columns and in the API.
 */

export const STATES = ['new', 'active', 'closed'] as const
export const ENDED_BY = ['timeout', 'reset', 'fin', 'alert', 'error', 'agent_stopped'] as const
export const TLS_VERSIONS = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
export const SIDES = ['client', 'server'] as const

export type State = (typeof STATES)[number]
export type EndedBy = (typeof ENDED_BY)[number]
export type TlsVersion = (typeof TLS_VERSIONS)[number]
export type Side = (typeof SIDES)[number]

export type FieldKind =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | {
      readonly kind: 'string'
      readonly maxLength: number
      readonly pattern?: RegExp
      readonly shape?: string
    }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'address' }

export type Field = {
  readonly name: string
  readonly required: boolean
  readonly is: FieldKind
  readonly description: string
}

const U16 = { kind: 'integer', min: 0, max: 65_535 } as const
const U32 = { kind: 'integer', min: 0, max: 4_294_967_295 } as const
const COUNT = { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER } as const
/** Milliseconds since 1970: from 2000-01-01 to 2200-01-01, so that seconds sent by mistake are refused. */
const TIME = { kind: 'integer', min: 946_684_800_000, max: 7_258_118_400_000 } as const

export const FIELDS = [
  field('v', true, { kind: 'integer', min: 1, max: 1 }, 'Version of this contract.'),
  field(
    'id',
    true,
    { kind: 'string', maxLength: 64, pattern: /^[A-Za-z0-9._:-]+$/, shape: 'letters, digits and . _ : -' },
    'Connection id, unique for all time: one deciding event bears it.',
  ),
  field(
    'state',
    true,
    { kind: 'enum', values: STATES },
    "State of Go's http.Server.ConnState: `active` when the handshake completed, `closed` when it ended before; `new` is optional.",
  ),
  field('opened_at', true, TIME, 'When the connection was accepted, ms since 1970.'),
  field('decided_at', false, TIME, 'When the handshake completed or ended, ms since 1970. Not with `new`.'),
  field('site', false, text(64), 'Where the server stands, as its operator calls it.'),
  field('source_address', true, { kind: 'address' }, "The client's address, kept at accept."),
  field('source_port', true, U16, "The client's port."),
  field('destination_address', true, { kind: 'address' }, "The server's address."),
  field('destination_port', true, U16, "The server's port."),
  field('server_name', false, text(255), 'Server name asked for (SNI).'),
  field('tls_version', false, { kind: 'enum', values: TLS_VERSIONS }, 'TLS version agreed on.'),
  field('cipher', false, text(64), 'Cipher suite agreed on, its IANA name.'),
  field('alpn', false, text(255), 'Application protocol agreed on.'),
  field(
    'hello_bytes',
    false,
    U32,
    'ClientHello length in bytes, without the headers of its records, where seen; also where not all of it came.',
  ),
  field(
    'hello_segments',
    false,
    U16,
    'TCP segments the ClientHello came in, where seen; 0 where not all of it came.',
  ),
  field(
    'hello_post_quantum',
    false,
    { kind: 'boolean' },
    'Whether the ClientHello offers a post-quantum group, where seen.',
  ),
  field('bytes_in', true, COUNT, 'Bytes the server read from the client until decided.'),
  field('bytes_out', true, COUNT, 'Bytes the server handed to its kernel until decided.'),
  field(
    'ended_by',
    false,
    { kind: 'enum', values: ENDED_BY },
    'How the handshake ended. Only with `closed`.',
  ),
  field(
    'alert',
    false,
    { kind: 'integer', min: 0, max: 255 },
    'Number of the fatal TLS alert (RFC 8446, section 6).',
  ),
  field('alert_side', false, { kind: 'enum', values: SIDES }, 'Who sent the alert.'),
  field('error', false, text(128), "The TLS library's error code, if it gave one."),
  field('tcp_rtt_us', false, U32, 'TCP_INFO tcpi_rtt, microseconds.'),
  field('tcp_mss', false, U32, 'TCP_INFO tcpi_snd_mss, bytes.'),
  field('tcp_pmtu', false, U32, 'TCP_INFO tcpi_pmtu, bytes.'),
  field('tcp_segs_in', false, U32, 'TCP_INFO tcpi_data_segs_in: segments with data that arrived.'),
  field('tcp_segs_out', false, U32, 'TCP_INFO tcpi_data_segs_out: segments with data sent.'),
  field('tcp_ooo', false, U32, 'TCP_INFO tcpi_rcv_ooopack: segments that arrived out of order.'),
  field('tcp_bytes_acked', false, COUNT, 'TCP_INFO tcpi_bytes_acked: bytes the client acknowledged.'),
  field('tcp_unacked', false, U32, 'TCP_INFO tcpi_unacked: segments sent and not acknowledged.'),
  field('tcp_lost', false, U32, 'TCP_INFO tcpi_lost: segments held lost.'),
  field('tcp_sacked', false, U32, 'TCP_INFO tcpi_sacked: segments acknowledged selectively.'),
  field('tcp_retrans', false, U32, 'TCP_INFO tcpi_total_retrans: segments sent again.'),
] as const satisfies readonly Field[]

export type FieldName = (typeof FIELDS)[number]['name']

/** What is allowed in a field, in words: the second half of an error message. */
export function allowedIn(kind: FieldKind): string {
  switch (kind.kind) {
    case 'integer':
      return kind.min === kind.max
        ? `the number ${kind.min}`
        : `a whole number from ${kind.min} to ${kind.max}`
    case 'string':
      return `a string of at most ${kind.maxLength} characters: ${kind.shape ?? 'no control characters'}`
    case 'enum':
      return `one of ${kind.values.join(', ')}`
    case 'boolean':
      return 'true or false'
    case 'address':
      return 'an IPv4 or IPv6 address'
    default:
      return kind satisfies never
  }
}

/** Whether a value is allowed in a field of this kind. */
export function fits(kind: FieldKind, value: unknown): boolean {
  return compileCheck(kind)(value)
}

/** The check of a kind of field, made once and used for every event. */
export function compileCheck(kind: FieldKind): (value: unknown) => boolean {
  switch (kind.kind) {
    case 'integer': {
      const { min, max } = kind
      return (value) => typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    }
    case 'string': {
      const { maxLength, pattern } = kind
      const suits = pattern === undefined ? hasNoControls : (text: string) => pattern.test(text)
      return (value) => typeof value === 'string' && value.length <= maxLength && suits(value)
    }
    case 'enum': {
      const values = new Set<unknown>(kind.values)
      return (value) => values.has(value)
    }
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'address':
      return (value) => typeof value === 'string' && value.length <= 64 && isIP(value) !== 0
    default:
      return kind satisfies never
  }
}

/** Printable text in any script: no control characters (Unicode category Cc). */
function hasNoControls(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return true
}

function text(maxLength: number): FieldKind {
  return { kind: 'string', maxLength }
}

function field<const N extends string, const R extends boolean>(
  name: N,
  required: R,
  is: FieldKind,
  description: string,
) {
  return { name, required, is, description } as const
}
