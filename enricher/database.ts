import { readFile } from 'node:fs/promises'
import { Reader, type Response } from 'maxmind'
import { type Address, formatAddress, isMapped } from './address.ts'
import { createGenerationCache } from './generation-cache.ts'

/** The network an address is announced by. */
export type Announced = { readonly asn: number; readonly network: string }

export type AsnDatabase = {
  readonly path: string
  readonly databaseType: string
  /** When the data was made, ms since 1970. */
  readonly builtAt: number
  /** Undefined when nobody announces the address. Throws when the file is broken in that place. */
  find(address: Address): Announced | undefined
}

/** The file cannot serve; the message names it and says what is expected. */
export class DatabaseUnusable extends Error {
  override readonly name = 'DatabaseUnusable'
  readonly path: string
  constructor(path: string, reason: string, cause?: unknown) {
    super(
      `${path}: ${reason}. Expected is a MaxMind database (.mmdb) with the fields autonomous_system_number ` +
        'and autonomous_system_organization, such as GeoLite2-ASN',
      { cause },
    )
    this.path = path
  }
}

type Fields = Readonly<Record<string, unknown>>
type OpenReader = Reader<Response>

const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const SEPARATOR_BYTES = 16
const GZIP = [0x1f, 0x8b] as const
/** Records looked into when a file is opened. */
const SAMPLES = 512
/** Decoded records kept; neighbours in time are often from the same networks. */
const CACHED_RECORDS = 8192

/** Reads the file whole and checks it: every pointer, and the fields of a sample. Throws `DatabaseUnusable`. */
export async function openAsnDatabase(path: string): Promise<AsnDatabase> {
  const bytes = await readBytes(path)
  const reader = openReader(path, bytes)
  checkPointers(path, bytes, reader)
  checkFields(path, bytes, reader)
  return {
    path,
    databaseType: reader.metadata.databaseType,
    builtAt: reader.metadata.buildEpoch.getTime(),
    find(address) {
      // A database of IPv4 alone has 32 levels: the reader would take the first bits of an IPv6 address for one.
      if (reader.metadata.ipVersion === 4 && address.version === 6) return undefined
      const record = recordOf(reader, address.text)
      if (record === null || !isAsn(record['autonomous_system_number'])) return undefined
      const { autonomous_system_number: asn, autonomous_system_organization: network } = record
      return { asn: asn as number, network: typeof network === 'string' ? network : '' }
    },
  }
}

async function readBytes(path: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new DatabaseUnusable(path, `cannot be read (${(error as Error).message})`, error)
  }
  if (bytes[0] === GZIP[0] && bytes[1] === GZIP[1]) {
    throw new DatabaseUnusable(path, 'is compressed; unpack it first')
  }
  if (!bytes.includes(METADATA_MARKER)) {
    throw new DatabaseUnusable(path, 'is no MaxMind database, or only a part of one: it has no metadata')
  }
  return bytes
}

function openReader(path: string, bytes: Buffer): OpenReader {
  try {
    const reader = new Reader<Response>(bytes, { cache: createGenerationCache(CACHED_RECORDS) })
    const { nodeCount, ipVersion, buildEpoch } = reader.metadata
    if (!Number.isInteger(nodeCount) || ![4, 6].includes(ipVersion) || Number.isNaN(buildEpoch.getTime())) {
      throw new Error('the metadata lacks node_count, ip_version or build_epoch')
    }
    return reader
  } catch (error) {
    throw new DatabaseUnusable(path, `is broken (${(error as Error).message})`, error)
  }
}

/** Every record of the tree points at a node, at nothing, or into the data section. */
function checkPointers(path: string, bytes: Buffer, { metadata }: OpenReader): void {
  const { nodeCount, searchTreeSize } = metadata
  const dataBytes = bytes.lastIndexOf(METADATA_MARKER) - searchTreeSize - SEPARATOR_BYTES
  if (nodeCount === 0 || dataBytes <= 0) throw new DatabaseUnusable(path, 'is broken or holds no network')
  const end = nodeCount + SEPARATOR_BYTES + dataBytes
  const read = recordReader(bytes, metadata.recordSize)
  for (let node = 0; node < nodeCount; node += 1) {
    for (const side of [0, 1] as const) {
      const record = read(node, side)
      if (record >= end || (record > nodeCount && record < nodeCount + SEPARATOR_BYTES)) {
        throw new DatabaseUnusable(path, `is broken (node ${node} points at nothing)`)
      }
    }
  }
}

/** Reads records at the end of random walks down the tree: any must decode, some must have an AS number. */
function checkFields(path: string, bytes: Buffer, reader: OpenReader): void {
  const seen = new Set<string>()
  let networks = 0
  for (const address of sampleAddresses(bytes, reader)) {
    const record = decodeSample(path, reader, address)
    if (record === null || typeof record !== 'object') continue
    for (const name of Object.keys(record)) seen.add(name)
    if (isAsn(record['autonomous_system_number'])) networks += 1
  }
  if (networks > 0) return
  const fields = [...seen].sort().slice(0, 12).join(', ')
  throw new DatabaseUnusable(path, seen.size === 0 ? 'holds no network' : `has other fields (${fields})`)
}

function decodeSample(path: string, reader: OpenReader, address: string): Fields | null {
  try {
    return recordOf(reader, address)
  } catch (error) {
    throw new DatabaseUnusable(path, `is broken at ${address} (${(error as Error).message})`, error)
  }
}

/** Addresses that have a record, the same ones for the same file. */
function* sampleAddresses(bytes: Buffer, { metadata }: OpenReader): Generator<string> {
  const read = recordReader(bytes, metadata.recordSize)
  const { nodeCount, ipVersion } = metadata
  const first = ipVersion === 4 ? 96 : 0
  let random = 1
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const address = new Uint8Array(16)
    let node = 0
    for (let bit = first; bit < 128 && node < nodeCount; bit += 1) {
      // A linear congruential generator (Numerical Recipes); the high bits are the good ones.
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
      let side: 0 | 1 = random >>> 31 === 0 ? 0 : 1
      if (read(node, side) === nodeCount) side = side === 0 ? 1 : 0
      if (side === 1) address[bit >> 3] = (address[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
      node = read(node, side)
    }
    const isIpv4 = ipVersion === 4 || isMapped(address)
    if (node > nodeCount) yield formatAddress(address, isIpv4 ? 4 : 6)
  }
}

/** How a node's records are read: each has 24, 28 or 32 bits. */
function recordReader(bytes: Buffer, recordSize: number): (node: number, side: 0 | 1) => number {
  switch (recordSize) {
    case 24:
      return (node, side) => bytes.readUIntBE(node * 6 + side * 3, 3)
    case 28:
      return (node, side) => {
        const middle = bytes[node * 7 + 3] ?? 0
        const high = side === 0 ? middle >> 4 : middle & 0x0f
        return high * 0x100_0000 + bytes.readUIntBE(node * 7 + side * 4, 3)
      }
    default:
      return (node, side) => bytes.readUInt32BE(node * 8 + side * 4)
  }
}

function recordOf(reader: OpenReader, address: string): Fields | null {
  // The declared types are those of MaxMind's own products; a file from elsewhere can hold anything.
  return reader.get(address) as Fields | null
}

function isAsn(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff
}
