import { randomBytes, randomInt } from 'node:crypto'
import { isIP } from 'node:net'

/** Named groups (IANA TLS Supported Groups). */
export const GROUP = { p256: 23, p384: 24, x25519: 29, x25519mlkem768: 4588 } as const

export type HelloOptions = {
  /** What is asked for; an address is asked for without a name (RFC 6066 section 3). */
  serverName?: string | undefined
  /** Bytes of the whole record, at least: filled up with padding (RFC 7685). */
  bytes?: number
  /** Whether a key of ML-KEM goes with it, as browsers send it. */
  postQuantum?: boolean | undefined
  /** Offers one cipher suite that no server has, so that the answer is an alert: the smallest that there is. */
  unanswerable?: boolean
}

const CIPHERS = [
  ...[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030],
  ...[0xcca9, 0xcca8, 0x009c, 0x009d, 0x002f, 0x0035],
]
/** Reserved for private use (RFC 8446 section 11). */
const NO_CIPHER = 0xfffe
const SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
const RECORD_HEADER = 5
const PADDING_HEADER = 4

/** The record with a ClientHello of TLS 1.3 and 1.2 that a server answers, whoever sends it: no secret goes with its keys. */
export function clientHello({ serverName, bytes = 0, postQuantum, unanswerable }: HelloOptions): Buffer {
  const plain = record(extensionsOf({ serverName, postQuantum }), unanswerable === true)
  if (plain.length >= bytes) return plain
  const padding = extension(21, Buffer.alloc(Math.max(0, bytes - plain.length - PADDING_HEADER)))
  return record([...extensionsOf({ serverName, postQuantum }), padding], unanswerable === true)
}

function record(extensions: readonly Buffer[], unanswerable: boolean): Buffer {
  const ciphers = u16s(unanswerable ? [NO_CIPHER] : CIPHERS)
  const body = Buffer.concat([
    u16(0x0303),
    randomBytes(32),
    vector(1, randomBytes(32)),
    vector(2, ciphers),
    vector(1, Buffer.of(0)),
    vector(2, Buffer.concat(extensions)),
  ])
  const message = Buffer.concat([Buffer.of(1), u24(body.length), body])
  const header = Buffer.alloc(RECORD_HEADER)
  header.writeUInt8(22, 0)
  header.writeUInt16BE(0x0301, 1)
  header.writeUInt16BE(message.length, 3)
  return Buffer.concat([header, message])
}

function extensionsOf({
  serverName,
  postQuantum,
}: Pick<HelloOptions, 'serverName' | 'postQuantum'>): Buffer[] {
  const groups = [
    ...(postQuantum === true ? [GROUP.x25519mlkem768] : []),
    GROUP.x25519,
    GROUP.p256,
    GROUP.p384,
  ]
  const share = (group: number, key: Buffer) => Buffer.concat([u16(group), vector(2, key)])
  const classical = share(GROUP.x25519, randomBytes(32))
  const shares = postQuantum === true ? [share(GROUP.x25519mlkem768, hybridKey()), classical] : [classical]
  return [
    ...(serverName === undefined || isIP(serverName) !== 0 ? [] : [nameExtension(serverName)]),
    extension(10, vector(2, u16s(groups))),
    extension(11, vector(1, Buffer.of(0))),
    extension(13, vector(2, u16s(SIGNATURES))),
    extension(16, vector(2, vector(1, Buffer.from('http/1.1')))),
    extension(23, Buffer.alloc(0)),
    extension(43, vector(1, u16s([0x0304, 0x0303]))),
    extension(45, vector(1, Buffer.of(1))),
    extension(51, vector(2, Buffer.concat(shares))),
  ]
}

function nameExtension(name: string): Buffer {
  return extension(0, vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name, 'latin1'))])))
}

/**
 * A key of ML-KEM-768, then one of X25519 (draft-ietf-tls-ecdhe-mlkem). Servers check that each of the 768 coefficients,
 * of 12 bits, is below 3,329 (FIPS 203 section 7.2); any such are a key as good as another.
 */
function hybridKey(): Buffer {
  const key = Buffer.alloc(1_184)
  for (let at = 0; at < 1_152; at += 3) {
    const [a, b] = [randomInt(3_329), randomInt(3_329)]
    key[at] = a & 0xff
    key[at + 1] = (a >> 8) | ((b & 0x0f) << 4)
    key[at + 2] = b >> 4
  }
  randomBytes(32).copy(key, 1_152)
  return Buffer.concat([key, randomBytes(32)])
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([u16(type), vector(2, body)])
}

/** Bytes after their length (RFC 8446 section 3.4). */
function vector(lengthBytes: 1 | 2, body: Buffer): Buffer {
  return Buffer.concat([lengthBytes === 1 ? Buffer.of(body.length) : u16(body.length), body])
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function u24(value: number): Buffer {
  return Buffer.of(value >> 16, (value >> 8) & 0xff, value & 0xff)
}

function u16s(values: readonly number[]): Buffer {
  return Buffer.concat(values.map(u16))
}
