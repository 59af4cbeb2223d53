import type { Packet } from './pcap.ts'

/** A TCP segment as it was captured. */
export type Segment = {
  at: number
  source: string
  destination: string
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
  sacks: readonly (readonly [number, number])[]
  /** What was kept of the payload; may be less than `length`. */
  payload: Buffer
  /** Bytes of payload on the wire. */
  length: number
}

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: [0x8100, 0x88a8, 0x9100] } as const
const TCP = 6
const FRAGMENTED = 0x1fff
/** IPv6 extension headers that may stand before TCP: hop-by-hop, routing, destination options, authentication. */
const EXTENSIONS = new Set([0, 43, 60, 51])
const MAX_EXTENSIONS = 8

/** The TCP segment in a packet; undefined when it holds none, or not enough of one. Never throws. */
export function segmentOf({ at, link, data }: Packet): Segment | undefined {
  const start = networkLayer(link, data)
  if (start === undefined || start >= data.length) return undefined
  const ip = data.subarray(start)
  const version = (ip[0] ?? 0) >> 4
  if (version === 4) return fromIpv4(at, ip)
  return version === 6 ? fromIpv6(at, ip) : undefined
}

/** Where the IP header begins, by link type. */
function networkLayer(link: number, data: Buffer): number | undefined {
  switch (link) {
    case 1:
      return afterEthertype(data, 12)
    // NULL and LOOP: four bytes of address family.
    case 0:
    case 108:
      return 4
    // RAW, and the numbers that systems used for it.
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return 0
    // Linux cooked.
    case 113:
      return afterEthertype(data, 14)
    case 276:
      return data.length >= 20 && isIp(data.readUInt16BE(0)) ? 20 : undefined
    default:
      return undefined
  }
}

/** Past the EtherType at this place and any VLAN tags behind it. */
function afterEthertype(data: Buffer, place: number): number | undefined {
  let at = place
  while (at + 2 <= data.length) {
    const type = data.readUInt16BE(at)
    if (isIp(type)) return at + 2
    if (!ETHERTYPE.vlan.some((tag) => tag === type)) return undefined
    at += 4
  }
  return undefined
}

function isIp(type: number): boolean {
  return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6
}

function fromIpv4(at: number, ip: Buffer): Segment | undefined {
  const header = ((ip[0] ?? 0) & 15) * 4
  if (header < 20 || ip.length < header || ip[9] !== TCP) return undefined
  // A later fragment has no TCP header.
  if ((ip.readUInt16BE(6) & FRAGMENTED) !== 0) return undefined
  // With segmentation offload the kernel may leave the length out: all that was captured is meant then.
  const total = ip.readUInt16BE(2) || ip.length
  const dotted = (from: number) => ip.subarray(from, from + 4).join('.')
  return tcp(at, dotted(12), dotted(16), ip.subarray(header, total), total - header)
}

function fromIpv6(at: number, ip: Buffer): Segment | undefined {
  if (ip.length < 40) return undefined
  const total = (ip.readUInt16BE(4) || ip.length - 40) + 40
  let next = ip[6] ?? 0
  let header = 40
  for (let i = 0; i < MAX_EXTENSIONS && EXTENSIONS.has(next); i += 1) {
    if (header + 8 > ip.length) return undefined
    const size = ip[header + 1] ?? 0
    const length = next === 51 ? (size + 2) * 4 : (size + 1) * 8
    next = ip[header] ?? 0
    header += length
  }
  if (next !== TCP) return undefined
  return tcp(at, ipv6Text(ip, 8), ipv6Text(ip, 24), ip.subarray(header, total), total - header)
}

function tcp(
  at: number,
  source: string,
  destination: string,
  bytes: Buffer,
  length: number,
): Segment | undefined {
  if (bytes.length < 20) return undefined
  const header = ((bytes[12] ?? 0) >> 4) * 4
  if (header < 20 || length < header) return undefined
  const flags = bytes[13] ?? 0
  const options = readOptions(bytes.subarray(20, header))
  return {
    at,
    source,
    destination,
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledged: bytes.readUInt32BE(8),
    fin: (flags & 1) !== 0,
    syn: (flags & 2) !== 0,
    rst: (flags & 4) !== 0,
    ack: (flags & 16) !== 0,
    ...options,
    payload: bytes.subarray(header),
    length: length - header,
  }
}

/** RFC 9293 section 3.2, RFC 7323, RFC 2018. */
function readOptions(bytes: Buffer): Pick<Segment, 'mss' | 'timestamps' | 'sacks'> {
  let mss: number | undefined
  let timestamps = false
  const sacks: [number, number][] = []
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at] ?? 0
    if (kind === 0) break
    const length = kind === 1 ? 1 : (bytes[at + 1] ?? 0)
    if (length === 0 || (kind !== 1 && length < 2) || at + length > bytes.length) break
    if (kind === 2 && length === 4) mss = bytes.readUInt16BE(at + 2)
    if (kind === 8) timestamps = true
    if (kind === 5) {
      for (let block = at + 2; block + 8 <= at + length; block += 8) {
        sacks.push([bytes.readUInt32BE(block), bytes.readUInt32BE(block + 4)])
      }
    }
    at += length
  }
  return { mss, timestamps, sacks }
}

/** As RFC 5952 recommends: the longest run of zero groups left out. */
function ipv6Text(bytes: Buffer, from: number): string {
  const groups: string[] = []
  for (let at = from; at < from + 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
  let [start, length] = [0, 1]
  for (let first = 0; first < 8; first += 1) {
    let end = first
    while (groups[end] === '0') end += 1
    if (end - first > length) [start, length] = [first, end - first]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}
