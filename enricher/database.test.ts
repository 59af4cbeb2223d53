import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAddress } from './address.ts'
import { DatabaseUnusable, openAsnDatabase } from './database.ts'
import { encodeValue, type MmdbValue, text } from './mmdb-data.ts'
import { createMmdbTree } from './mmdb-tree.ts'
import { asnDatabaseBytes, bytesOf } from './testing.ts'

const DOCUMENTATION = asnDatabaseBytes([['203.0.113.0', '203.0.113.255', 64496, 'Docs']])

async function fileWith(bytes: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'halfshake-mmdb-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'given.mmdb')
  await writeFile(path, bytes)
  return path
}

/** A database of one record, of whatever shape. */
function databaseOf(record: MmdbValue, { ipVersion = 6 } = {}): Buffer {
  const tree = createMmdbTree()
  // 2000::/3, and read as IPv4 32.0.0.0/3.
  tree.insert(bytesOf('2000::'), bytesOf('3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), 0)
  const metadata = encodeValue({
    type: 'map',
    value: {
      node_count: { type: 'uint32', value: tree.nodeCount() },
      record_size: { type: 'uint16', value: 28 },
      ip_version: { type: 'uint16', value: ipVersion },
      database_type: text('Test'),
      binary_format_major_version: { type: 'uint16', value: 2 },
      build_epoch: { type: 'uint64', value: 1_750_000_000 },
    },
  })
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([tree.serialize(), Buffer.alloc(16), encodeValue(record), marker, metadata])
}

describe('openAsnDatabase', () => {
  it('finds the network of an address and tells an address that nobody announces', async () => {
    const database = await openAsnDatabase(await fileWith(DOCUMENTATION))
    const find = (ip: string) => {
      const address = parseAddress(ip)
      return address && database.find(address)
    }
    expect(find('203.0.113.9')).toEqual({ asn: 64496, network: 'Docs' })
    expect(find('::ffff:203.0.113.9')).toEqual({ asn: 64496, network: 'Docs' })
    expect(find('198.51.100.1')).toBeUndefined()
    expect(find('2001:db8::1')).toBeUndefined()
    expect(database.builtAt).toBe(1_750_000_000_000)
  })

  it('takes a record without a name, as GeoLite2-ASN has some', async () => {
    const record: MmdbValue = {
      type: 'map',
      value: { autonomous_system_number: { type: 'uint32', value: 7 } },
    }
    const database = await openAsnDatabase(await fileWith(databaseOf(record)))
    const address = parseAddress('2001:db8::1')
    expect(address && database.find(address)).toEqual({ asn: 7, network: '' })
  })

  it('does not take an IPv6 address for an IPv4 one in a database of IPv4 alone', async () => {
    const record: MmdbValue = {
      type: 'map',
      value: { autonomous_system_number: { type: 'uint32', value: 7 } },
    }
    const database = await openAsnDatabase(await fileWith(databaseOf(record, { ipVersion: 4 })))
    const [ipv4, ipv6] = [parseAddress('33.1.1.1'), parseAddress('2001:db8::1')]
    expect(ipv4 && database.find(ipv4)).toEqual({ asn: 7, network: '' })
    expect(ipv6 && database.find(ipv6)).toBeUndefined()
  })

  const broken: [string, Buffer, RegExp][] = [
    ['an empty file', Buffer.alloc(0), /no metadata/],
    ['a text', Buffer.from('1.0.0.0,1.0.0.255,13335'), /no MaxMind database/],
    ['a compressed file', gzipSync(DOCUMENTATION), /compressed; unpack it first/],
    ['the first half of a file', DOCUMENTATION.subarray(0, DOCUMENTATION.length / 2), /no metadata/],
    ['a file cut in its metadata', DOCUMENTATION.subarray(0, -60), /is broken/],
    ['a file with a hole at its beginning', DOCUMENTATION.subarray(400), /is broken/],
    [
      'a file whose tree is garbage',
      Buffer.concat([Buffer.alloc(300, 0xee), DOCUMENTATION.subarray(300)]),
      /points at nothing/,
    ],
    ['no networks at all', asnDatabaseBytes([]), /holds no network/],
    [
      'the fields of another product',
      databaseOf({ type: 'map', value: { city: text('Bern'), country: text('CH') } }),
      /other fields \(city, country\)/,
    ],
    [
      'an AS number that is none',
      databaseOf({ type: 'map', value: { autonomous_system_number: text('AS7') } }),
      /other fields \(autonomous_system_number\)/,
    ],
  ]

  it.each(broken)('refuses %s, with the name of the file and what is expected', async (_, bytes, reason) => {
    const path = await fileWith(bytes)
    const error = await openAsnDatabase(path).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(DatabaseUnusable)
    expect(String(error)).toMatch(reason)
    expect(String(error)).toContain(path)
    expect(String(error)).toContain('autonomous_system_number and autonomous_system_organization')
  })

  it('refuses a file that is not there', async () => {
    await expect(openAsnDatabase('/nowhere/asn.mmdb')).rejects.toThrow(/nowhere\/asn\.mmdb.*cannot be read/)
  })
})
