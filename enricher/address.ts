/**
 * An address as every later step knows it. One client is one text and one 16-byte value, however the
 * agent wrote it: IPv4-mapped IPv6 is IPv4, a zone id is dropped, IPv6 is compressed as RFC 5952 says.
 */
export type Address = {
  readonly text: string
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. Shared between rows: not to be written to. */
  readonly bytes: Uint8Array
  readonly version: 4 | 6
}

/** How many leading bits of an address make its prefix. */
export type PrefixLengths = { readonly ipv4: number; readonly ipv6: number }

export type Prefix = {
  /** CIDR text: 203.0.113.0/24. */
  readonly text: string
  /** Its first address, 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly bytes: Uint8Array
}

/** Where the IPv4 bits begin in the 16 bytes. */
export const IPV4_OFFSET_BITS = 96

const HEX_DIGITS = new Int8Array(128).fill(-1)
for (let digit = 0; digit < 16; digit += 1) {
  HEX_DIGITS[digit.toString(16).charCodeAt(0)] = digit
  HEX_DIGITS[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

const DOT = 0x2e
const COLON = 0x3a

/** The address in a text, or undefined when it holds none (the same texts `net.isIP` refuses). */
export function parseAddress(text: string): Address | undefined {
  const bytes = parseBytes(text)
  if (bytes === undefined) return undefined
  const version = isMapped(bytes) ? 4 : 6
  return { text: formatAddress(bytes, version), bytes, version }
}

/** The 16 bytes of an address (IPv4 as ::ffff:a.b.c.d), or undefined when the text holds none. */
export function parseBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16)
  if (!text.includes(':')) {
    bytes[10] = 0xff
    bytes[11] = 0xff
    return readIpv4(text, 0, bytes, 12) ? bytes : undefined
  }
  const zone = text.indexOf('%')
  if (zone < 0) return readIpv6(text, bytes) ? bytes : undefined
  if (!/^[0-9A-Za-z.:-]+$/.test(text.slice(zone + 1))) return undefined
  return readIpv6(text.slice(0, zone), bytes) ? bytes : undefined
}

/** The prefix an address lies in. Lengths count the bits of its own version: 0–32 or 0–128. */
export function prefixOf(address: Address, lengths: PrefixLengths): Prefix {
  const length = address.version === 4 ? lengths.ipv4 : lengths.ipv6
  const bytes = maskBytes(address.bytes, address.version === 4 ? IPV4_OFFSET_BITS + length : length)
  return { text: `${formatAddress(bytes, address.version)}/${length}`, bytes }
}

/** A copy with every bit after the first `bits` cleared. */
export function maskBytes(bytes: Uint8Array, bits: number): Uint8Array {
  const masked = new Uint8Array(16)
  const whole = bits >> 3
  masked.set(bytes.subarray(0, whole))
  if (whole < 16) masked[whole] = byteAt(bytes, whole) & (0xff00 >> (bits & 7))
  return masked
}

export function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at += 1) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** Text of 16 bytes: dotted for version 4, else as RFC 5952 recommends. */
export function formatAddress(bytes: Uint8Array, version: 4 | 6): string {
  return version === 4 ? `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}` : formatIpv6(bytes)
}

function formatIpv6(bytes: Uint8Array): string {
  const gap = longestZeroRun(bytes)
  let text = ''
  for (let group = 0; group < 8; group += 1) {
    if (group === gap.start) {
      text += '::'
      group = gap.end - 1
      continue
    }
    if (text !== '' && !text.endsWith(':')) text += ':'
    text += groupAt(bytes, group).toString(16)
  }
  return text
}

/** The longest run of at least two zero groups, the first of equals (RFC 5952, section 4.2). */
function longestZeroRun(bytes: Uint8Array): { start: number; end: number } {
  let best = { start: -1, end: -1 }
  for (let start = 0; start < 8; start += 1) {
    let end = start
    while (end < 8 && groupAt(bytes, end) === 0) end += 1
    if (end - start >= 2 && end - start > best.end - best.start) best = { start, end }
    start = end
  }
  return best
}

function readIpv4(text: string, from: number, bytes: Uint8Array, at: number): boolean {
  let position = from
  for (let octet = 0; octet < 4; octet += 1) {
    if (octet > 0 && text.charCodeAt(position++) !== DOT) return false
    const begin = position
    let value = 0
    for (; position < text.length; position += 1) {
      const digit = text.charCodeAt(position) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = position - begin
    if (digits === 0 || digits > 3 || value > 255) return false
    // 010 is eight to some and ten to others: refused, as Node refuses it.
    if (digits > 1 && text.charCodeAt(begin) === 0x30) return false
    bytes[at + octet] = value
  }
  return position === text.length
}

function readIpv6(text: string, bytes: Uint8Array): boolean {
  let at = 0
  let gap = -1
  let position = 0
  if (text.startsWith('::')) {
    gap = 0
    position = 2
  }
  while (position < text.length) {
    if (at === 16) return false
    const begin = position
    let value = 0
    for (let digit = hexAt(text, position); digit >= 0; digit = hexAt(text, position)) {
      value = (value << 4) | digit
      position += 1
      if (position - begin > 4) return false
    }
    if (position === begin) return false
    if (text.charCodeAt(position) === DOT) {
      if (at > 12 || !readIpv4(text, begin, bytes, at)) return false
      at += 4
      break
    }
    bytes[at++] = value >> 8
    bytes[at++] = value & 0xff
    if (position === text.length) break
    if (text.charCodeAt(position++) !== COLON) return false
    if (text.charCodeAt(position) === COLON) {
      if (gap >= 0) return false
      gap = at
      position += 1
    } else if (position === text.length) return false
  }
  return gap < 0 ? at === 16 : openGap(bytes, gap, at)
}

/** Moves what came after `::` to the end. The gap stands for at least one group. */
function openGap(bytes: Uint8Array, gap: number, end: number): boolean {
  if (end > 14) return false
  const tail = end - gap
  bytes.copyWithin(16 - tail, gap, end)
  bytes.fill(0, gap, 16 - tail)
  return true
}

function hexAt(text: string, position: number): number {
  return HEX_DIGITS[text.charCodeAt(position)] ?? -1
}

function groupAt(bytes: Uint8Array, group: number): number {
  return (byteAt(bytes, group * 2) << 8) | byteAt(bytes, group * 2 + 1)
}

/** Within 16 bytes the index is always there; the type does not know. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
