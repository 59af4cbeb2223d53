import { isMapped, parseBytes } from './address.ts'
import { encodeMapOfPointers, encodeValue, text } from './mmdb-data.ts'
import { createMmdbTree, RECORD_BITS, SEPARATOR_BYTES } from './mmdb-tree.ts'

/** Addresses from `start` to `end`, both included: 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
export type AsnRange = {
  readonly start: Uint8Array
  readonly end: Uint8Array
  readonly asn: number
  readonly organization: string
}

export type MmdbWriter = {
  /** Takes ranges in the order of their addresses, IPv4 before IPv6. Throws RangeError when they are not. */
  add(range: AsnRange): void
  /** The whole file. */
  finish(): Buffer
}

const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
/**
 * Prefixes whose addresses hold an IPv4 address in the bits right after the prefix: IPv4-mapped and 6to4.
 * Teredo (2001::/32) is no alias here, because the address in that place is the relay's, not the client's.
 */
const IPV4_ALIASES = [
  { prefix: '::ffff:0:0', bits: 96 },
  { prefix: '2002::', bits: 16 },
] as const

/**
 * Writes a MaxMind DB with the fields of GeoLite2-ASN: `autonomous_system_number` (uint32) and
 * `autonomous_system_organization` (string). Adjacent ranges of the same network become one.
 * Source: https://maxmind.github.io/MaxMind-DB/, version 2.0 of the format.
 */
export function createMmdbWriter({
  databaseType,
  description,
  buildEpoch,
}: {
  databaseType: string
  description: string
  /** When the data was made, seconds since 1970. */
  buildEpoch: number
}): MmdbWriter {
  const tree = createMmdbTree()
  const data = createDataSection()
  let pending: { start: Uint8Array; end: Uint8Array; value: number } | undefined

  return {
    add({ start, end, asn, organization }) {
      const from = inTree(start)
      const to = inTree(end)
      if (Buffer.compare(from, to) > 0) throw new RangeError('a range ends before it starts')
      if (pending !== undefined && Buffer.compare(pending.end, from) >= 0) {
        throw new RangeError('a range starts before the one before it has ended')
      }
      const value = data.offsetOf(asn, organization)
      if (pending?.value === value && follows(pending.end, from)) pending.end = to
      else {
        flush()
        pending = { start: from, end: to, value }
      }
    },
    finish() {
      flush()
      for (const { prefix, bits } of IPV4_ALIASES)
        tree.aliasIpv4(parseBytes(prefix) ?? new Uint8Array(16), bits)
      const section = data.bytes()
      const metadata = encodeMetadata({ nodeCount: tree.nodeCount(), databaseType, description, buildEpoch })
      const separator = Buffer.alloc(SEPARATOR_BYTES)
      return Buffer.concat([tree.serialize(), separator, section, METADATA_MARKER, metadata])
    },
  }

  function flush(): void {
    if (pending !== undefined) tree.insert(pending.start, pending.end, pending.value)
    pending = undefined
  }
}

/** The records, each once, with the names of their fields written once at the beginning. */
function createDataSection() {
  let section = Buffer.alloc(1 << 16)
  let length = 0
  const append = (part: Buffer) => {
    while (length + part.length > section.length) section = Buffer.concat([section], section.length * 2)
    part.copy(section, length)
    length += part.length
    return length - part.length
  }
  const asnKey = append(encodeValue(text('autonomous_system_number')))
  const organizationKey = append(encodeValue(text('autonomous_system_organization')))
  const offsets = new Map<string, number>()

  return {
    offsetOf(asn: number, organization: string): number {
      const key = `${asn} ${organization}`
      let offset = offsets.get(key)
      if (offset === undefined) {
        offset = append(
          encodeMapOfPointers([
            [asnKey, { type: 'uint32', value: asn }],
            [organizationKey, text(organization)],
          ]),
        )
        offsets.set(key, offset)
      }
      return offset
    },
    bytes: () => section.subarray(0, length),
  }
}

function encodeMetadata(of: {
  nodeCount: number
  databaseType: string
  description: string
  buildEpoch: number
}): Buffer {
  return encodeValue({
    type: 'map',
    value: {
      node_count: { type: 'uint32', value: of.nodeCount },
      record_size: { type: 'uint16', value: RECORD_BITS },
      ip_version: { type: 'uint16', value: 6 },
      database_type: text(of.databaseType),
      languages: { type: 'array', value: [text('en')] },
      binary_format_major_version: { type: 'uint16', value: 2 },
      binary_format_minor_version: { type: 'uint16', value: 0 },
      build_epoch: { type: 'uint64', value: of.buildEpoch },
      description: { type: 'map', value: { en: text(of.description) } },
    },
  })
}

/** IPv4 lies under ::/96 in the tree. */
function inTree(bytes: Uint8Array): Uint8Array {
  const own = Uint8Array.from(bytes)
  if (isMapped(own)) own.fill(0, 10, 12)
  return own
}

/** Whether `next` is the address right after `last`. */
function follows(last: Uint8Array, next: Uint8Array): boolean {
  for (let at = 15, carry = 1; at >= 0; at -= 1) {
    const sum = (last[at] ?? 0) + carry
    if ((sum & 0xff) !== next[at]) return false
    carry = sum >> 8
  }
  return true
}
