import { isIP } from 'node:net'
import { ipv4Text, ipv6Text } from './address-text.ts'

/** Who a load balancer says the client is; nobody where it speaks for itself. */
export type ProxySource = { address: string; port: number }

type Header = { bytes: number; source: ProxySource | undefined }

const TEXT = Buffer.from('PROXY ')
const BINARY = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const BINARY_HEAD = 16
/** The longest line that there can be, and what is added to the addresses of a binary one, at most. */
const MAX_LINE = 107
const MAX_BINARY = 4_096
const EMPTY: Buffer = Buffer.alloc(0)

/** Whether these first bytes of a client may be the beginning of one: a cheap no to all that begins with a record of TLS. */
export function mayBeProxyHeader(bytes: Buffer): boolean {
  return bytes[0] === TEXT[0] || bytes[0] === BINARY[0]
}

/**
 * Takes the PROXY header off that load balancers send before the client's first byte, versions 1 and 2.
 * Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export class ProxyHeaderReader {
  /** Its length, and who it says the client is. */
  bytes = 0
  source: ProxySource | undefined
  #waiting: Buffer = EMPTY
  #done = false

  /** What follows the header, of bytes in order. */
  after(bytes: Buffer): Buffer {
    if (this.#done || bytes.length === 0) return bytes
    const all = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes])
    const header = headerOf(all)
    if (header === 'more') {
      // A copy: the packet lies in a buffer that is much larger and would be kept alive.
      this.#waiting = Buffer.from(all)
      return EMPTY
    }
    this.#done = true
    this.#waiting = EMPTY
    if (header === 'none') return all
    this.bytes = header.bytes
    this.source = header.source
    return all.subarray(header.bytes)
  }
}

function headerOf(bytes: Buffer): Header | 'more' | 'none' {
  if (begins(bytes, TEXT)) return textOf(bytes)
  return begins(bytes, BINARY) ? binaryOf(bytes) : 'none'
}

/** As far as there are bytes. */
function begins(bytes: Buffer, sign: Buffer): boolean {
  const length = Math.min(bytes.length, sign.length)
  return bytes.compare(sign, 0, length, 0, length) === 0
}

function textOf(bytes: Buffer): Header | 'more' | 'none' {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_LINE ? 'more' : 'none'
  const [, , address = '', , port = ''] = bytes.toString('latin1', 0, end).split(' ')
  const source = isIP(address) !== 0 && /^\d{1,5}$/.test(port) ? sourceOf(address, Number(port)) : undefined
  return { bytes: end + 2, source }
}

function binaryOf(bytes: Buffer): Header | 'more' | 'none' {
  if (bytes.length < BINARY_HEAD) return 'more'
  const length = bytes.readUInt16BE(14)
  const [command, family] = [bytes[12], bytes[13]]
  if ((command !== 0x20 && command !== 0x21) || length > MAX_BINARY) return 'none'
  if (bytes.length < BINARY_HEAD + length) return 'more'
  const header = { bytes: BINARY_HEAD + length, source: undefined }
  if (command === 0x20) return header
  if (family === 0x11 && length >= 12)
    return { ...header, source: sourceOf(ipv4Text(bytes, 16), bytes.readUInt16BE(24)) }
  if (family === 0x21 && length >= 36)
    return { ...header, source: sourceOf(ipv6Text(bytes, 16), bytes.readUInt16BE(48)) }
  return header
}

function sourceOf(address: string, port: number): ProxySource | undefined {
  return port < 65_536 ? { address, port } : undefined
}
