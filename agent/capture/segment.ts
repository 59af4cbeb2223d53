import { ipv4Text, ipv6Text } from './address-text.ts'
import type { Packet } from './pcap.ts'

/** A TCP segment as it was captured. */
export type Segment = {
  /** ms since 1970. */
  at: number
  /** Names the connection: the same for both directions, another for every other pair of addresses and ports. */
  key: string
  /** Which of the two directions: whether the sender stands first in the key. */
  byFirst: boolean
  sourcePort: number
  destinationPort: number
  sequence: number
  acknowledged: number
  syn: boolean
  ack: boolean
  fin: boolean
  rst: boolean
  /** Maximum segment size announced, on a SYN. */
  mss: number | undefined
  /** Whether the sender puts timestamps into every segment, which take 12 bytes of each. */
  timestamps: boolean
  /** Selective acknowledgements: first and one past the last sequence number of each. */
  sacks: Sacks
  /** What was kept of the payload; may be less than `length`. A view: copy what is to outlive the packet. */
  payload: Buffer
  /** Bytes of payload on the wire. */
  length: number
  /** The packet, and where its addresses stand in it. */
  bytes: Buffer
  addressesAt: number
  addressLength: 4 | 16
}

export type Sacks = readonly (readonly [number, number])[]

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: [0x8100, 0x88a8, 0x9100] } as const
/** A PPPoE session, and the protocols that PPP has in it: IPv4, IPv6 (RFC 2516, RFC 5072). */
const PPPOE = { ethertype: 0x8864, header: 6, protocols: [0x0021, 0x0057] } as const
const TCP = 6
const FRAGMENTED = 0x1fff
/** IPv6 extension headers that may stand before TCP: hop-by-hop, routing, destination options, authentication. */
const EXTENSIONS = new Set([0, 43, 60, 51])
const MAX_EXTENSIONS = 8
/** Two fillers, kind and length: what nearly every segment carries. */
const TIMESTAMPS_ALONE = 0x0101080a
const EMPTY: Buffer = Buffer.alloc(0)
const NO_SACKS: Sacks = []

/** The TCP segment in a packet; undefined when it holds none, or not enough of one. Never throws. */
export function segmentOf({ at, link, bytes, start, end }: Packet): Segment | undefined {
  const ip = networkLayer(link, bytes, start, end)
  if (ip === undefined || ip >= end) return undefined
  const version = (bytes[ip] ?? 0) >> 4
  if (version === 4) return fromIpv4(at, bytes, ip, end)
  return version === 6 ? fromIpv6(at, bytes, ip, end) : undefined
}

/** The text of both addresses. For once per connection: text takes longer to make than a segment to read. */
export function addressesOf({ bytes, addressesAt, addressLength }: Segment): {
  source: string
  destination: string
} {
  const text = addressLength === 4 ? ipv4Text : ipv6Text
  return { source: text(bytes, addressesAt), destination: text(bytes, addressesAt + addressLength) }
}

/** Where the IP header begins, by link type. */
function networkLayer(link: number, bytes: Buffer, start: number, end: number): number | undefined {
  switch (link) {
    case 1:
      return afterEthertype(bytes, start + 12, end)
    // NULL and LOOP: four bytes of address family.
    case 0:
    case 108:
      return start + 4
    // RAW, and the numbers that systems used for it.
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return start
    // Linux cooked.
    case 113:
      return afterEthertype(bytes, start + 14, end)
    case 276:
      return end - start >= 20 && isIp(bytes.readUInt16BE(start)) ? start + 20 : undefined
    default:
      return undefined
  }
}

/** Past the EtherType at this place and any VLAN tags, or a PPPoE session, behind it. */
function afterEthertype(bytes: Buffer, place: number, end: number): number | undefined {
  let at = place
  while (at + 2 <= end) {
    const type = bytes.readUInt16BE(at)
    if (isIp(type)) return at + 2
    if (type === PPPOE.ethertype) return afterPppoe(bytes, at + 2 + PPPOE.header, end)
    if (!ETHERTYPE.vlan.some((tag) => tag === type)) return undefined
    at += 4
  }
  return undefined
}

function afterPppoe(bytes: Buffer, place: number, end: number): number | undefined {
  if (place + 2 > end) return undefined
  const protocol = bytes.readUInt16BE(place)
  return PPPOE.protocols.some((one) => one === protocol) ? place + 2 : undefined
}

function isIp(type: number): boolean {
  return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6
}

function fromIpv4(at: number, bytes: Buffer, ip: number, end: number): Segment | undefined {
  if (end - ip < 20) return undefined
  const header = ((bytes[ip] ?? 0) & 15) * 4
  if (header < 20 || end - ip < header || bytes[ip + 9] !== TCP) return undefined
  // A later fragment has no TCP header.
  if ((bytes.readUInt16BE(ip + 6) & FRAGMENTED) !== 0) return undefined
  // With segmentation offload the kernel may leave the length out: all that was captured is meant then.
  const total = bytes.readUInt16BE(ip + 2) || end - ip
  return fromTcp(at, bytes, ip + header, Math.min(end, ip + total), total - header, ip + 12, 4)
}

function fromIpv6(at: number, bytes: Buffer, ip: number, end: number): Segment | undefined {
  if (end - ip < 40) return undefined
  const total = (bytes.readUInt16BE(ip + 4) || end - ip - 40) + 40
  let next = bytes[ip + 6] ?? 0
  let header = 40
  for (let i = 0; i < MAX_EXTENSIONS && EXTENSIONS.has(next); i += 1) {
    if (ip + header + 8 > end) return undefined
    const size = bytes[ip + header + 1] ?? 0
    const length = next === 51 ? (size + 2) * 4 : (size + 1) * 8
    next = bytes[ip + header] ?? 0
    header += length
  }
  if (next !== TCP) return undefined
  return fromTcp(at, bytes, ip + header, Math.min(end, ip + total), total - header, ip + 8, 16)
}

/** The header at `tcp`; `length` is that of header and payload on the wire, `end` is where what was kept of it ends. */
function fromTcp(
  at: number,
  bytes: Buffer,
  tcp: number,
  end: number,
  length: number,
  addressesAt: number,
  addressLength: 4 | 16,
): Segment | undefined {
  if (end - tcp < 20) return undefined
  const header = ((bytes[tcp + 12] ?? 0) >> 4) * 4
  if (header < 20 || length < header) return undefined
  const flags = bytes[tcp + 13] ?? 0
  const payloadAt = Math.min(end, tcp + header)
  const segment: Segment = {
    at,
    key: '',
    byFirst: false,
    sourcePort: bytes.readUInt16BE(tcp),
    destinationPort: bytes.readUInt16BE(tcp + 2),
    sequence: bytes.readUInt32BE(tcp + 4),
    acknowledged: bytes.readUInt32BE(tcp + 8),
    fin: (flags & 1) !== 0,
    syn: (flags & 2) !== 0,
    rst: (flags & 4) !== 0,
    ack: (flags & 16) !== 0,
    mss: undefined,
    timestamps: false,
    sacks: NO_SACKS,
    payload: payloadAt === end ? EMPTY : bytes.subarray(payloadAt, end),
    length: length - header,
    bytes,
    addressesAt,
    addressLength,
  }
  segment.byFirst = isFirst(segment)
  segment.key = keyOf(segment)
  readOptions(segment, tcp + 20, payloadAt)
  return segment
}

/** The higher port stands first; with equal ports, the higher address. */
function isFirst({ bytes, sourcePort, destinationPort, addressesAt, addressLength }: Segment): boolean {
  if (sourcePort !== destinationPort) return sourcePort > destinationPort
  const middle = addressesAt + addressLength
  return bytes.compare(bytes, middle, middle + addressLength, addressesAt, middle) >= 0
}

/** Where keys are put together: one text of its bytes is made faster than one of several texts. */
const KEY = Buffer.alloc(36)

function keyOf(segment: Segment): string {
  const { bytes, byFirst, sourcePort, destinationPort, addressesAt, addressLength } = segment
  const [first, second] = byFirst ? [sourcePort, destinationPort] : [destinationPort, sourcePort]
  KEY[0] = first >> 8
  KEY[1] = first
  KEY[2] = second >> 8
  KEY[3] = second
  // The first one's address, then the other's.
  const swap = byFirst ? 0 : addressLength
  for (let i = 0; i < addressLength; i += 1) {
    KEY[4 + swap + i] = bytes[addressesAt + i] ?? 0
    KEY[4 + addressLength - swap + i] = bytes[addressesAt + addressLength + i] ?? 0
  }
  return KEY.toString('latin1', 0, 4 + 2 * addressLength)
}

/** RFC 9293 section 3.2, RFC 7323, RFC 2018. */
function readOptions(segment: Segment, start: number, end: number): void {
  const { bytes } = segment
  if (end - start === 12 && bytes.readUInt32BE(start) === TIMESTAMPS_ALONE) {
    segment.timestamps = true
    return
  }
  for (let at = start; at < end; ) {
    const kind = bytes[at] ?? 0
    if (kind === 0) break
    const length = kind === 1 ? 1 : at + 1 < end ? (bytes[at + 1] ?? 0) : 0
    if (length === 0 || (kind !== 1 && length < 2) || at + length > end) break
    if (kind === 2 && length === 4) segment.mss = bytes.readUInt16BE(at + 2)
    if (kind === 8) segment.timestamps = true
    if (kind === 5) {
      const sacks: [number, number][] = []
      for (let block = at + 2; block + 8 <= at + length; block += 8) {
        sacks.push([bytes.readUInt32BE(block), bytes.readUInt32BE(block + 4)])
      }
      segment.sacks = sacks
    }
    at += length
  }
}
