import fc from 'fast-check'
import { type AsnResponse, Reader } from 'maxmind'
import { describe, expect, it } from 'vitest'
import { formatAddress, parseBytes } from './address.ts'
import { createMmdbWriter } from './mmdb-writer.ts'

type Range = { start: string; end: string; asn: number; organization: string }

function write(ranges: Range[], { buildEpoch = 1_750_000_000 } = {}): Buffer {
  const writer = createMmdbWriter({ databaseType: 'Test-ASN', description: 'for a test', buildEpoch })
  for (const { start, end, asn, organization } of ranges) {
    writer.add({ start: bytesOf(start), end: bytesOf(end), asn, organization })
  }
  return writer.finish()
}

function read(ranges: Range[]): (address: string) => number | undefined {
  const reader = new Reader<AsnResponse>(write(ranges))
  return (address) => reader.get(address)?.autonomous_system_number
}

function bytesOf(text: string): Uint8Array {
  const bytes = parseBytes(text)
  if (bytes === undefined) throw new Error(`no address: ${text}`)
  return bytes
}

const EXAMPLE: Range[] = [
  { start: '1.0.0.0', end: '1.0.0.255', asn: 13335, organization: 'Cloudflare, Inc.' },
  { start: '1.0.16.0', end: '1.0.200.17', asn: 64500, organization: 'Überall GmbH' },
  { start: '203.0.113.7', end: '203.0.113.7', asn: 64501, organization: '' },
  {
    start: '2001:db8::',
    end: '2001:db8:1ff:ffff:ffff:ffff:ffff:ffff',
    asn: 4_294_967_295,
    organization: 'x'.repeat(300),
  },
]

describe('createMmdbWriter', () => {
  it('writes what maxmind reads, field by field', () => {
    const reader = new Reader<AsnResponse>(write(EXAMPLE))
    expect(reader.get('1.0.0.77')).toEqual({
      autonomous_system_number: 13335,
      autonomous_system_organization: 'Cloudflare, Inc.',
    })
    expect(reader.get('1.0.199.1')?.autonomous_system_organization).toBe('Überall GmbH')
    expect(reader.get('203.0.113.7')?.autonomous_system_organization).toBe('')
    expect(reader.get('2001:db8:1ff::1')?.autonomous_system_organization).toBe('x'.repeat(300))
    expect(reader.get('203.0.113.8')).toBeNull()
  })

  it.each([28, 29, 284, 285, 65_820, 65_821])('keeps a name of %i bytes whole', (length) => {
    const organization = 'n'.repeat(length)
    const reader = new Reader<AsnResponse>(
      write([{ start: '1.0.0.0', end: '1.0.0.255', asn: 1, organization }]),
    )
    expect(reader.get('1.0.0.1')?.autonomous_system_organization).toBe(organization)
  })

  it.each([1, 255, 256, 65_535, 65_536, 4_294_967_295])('keeps the number %i', (asn) => {
    expect(read([{ start: '1.0.0.0', end: '1.0.0.255', asn, organization: '' }])('1.0.0.1')).toBe(asn)
  })

  it('writes the metadata of the format', () => {
    const { metadata } = new Reader<AsnResponse>(write(EXAMPLE, { buildEpoch: 1_781_700_000 }))
    expect(metadata).toMatchObject({
      binaryFormatMajorVersion: 2,
      binaryFormatMinorVersion: 0,
      buildEpoch: new Date(1_781_700_000_000),
      databaseType: 'Test-ASN',
      description: { en: 'for a test' },
      ipVersion: 6,
      languages: ['en'],
      recordSize: 28,
    })
  })

  it('finds an IPv4 address written as IPv4-mapped or 6to4 IPv6', () => {
    const find = read(EXAMPLE)
    expect(find('::ffff:1.0.0.1')).toBe(13335)
    expect(find('2002:100:1::1')).toBe(13335)
    expect(find('2002:200::')).toBeUndefined()
  })

  it('does not alias 6to4 when the data names it', () => {
    const named = { start: '2002::', end: '2002:ffff::', asn: 6939, organization: 'relay' }
    expect(read([...EXAMPLE, named])('2002:100:1::1')).toBe(6939)
  })

  it('makes one entry of adjacent ranges of the same network', () => {
    const halves = [
      { start: '10.0.0.0', end: '10.127.255.255', asn: 1, organization: 'one' },
      { start: '10.128.0.0', end: '10.255.255.255', asn: 1, organization: 'one' },
    ]
    const whole = [{ start: '10.0.0.0', end: '10.255.255.255', asn: 1, organization: 'one' }]
    expect(write(halves)).toEqual(write(whole))
  })

  it.each([
    ['that overlap', '1.0.0.0', '1.0.0.255', '1.0.0.255', '1.0.1.0'],
    ['out of order', '2.0.0.0', '2.0.0.255', '1.0.0.0', '1.0.0.255'],
    ['that end before they start', '1.0.0.0', '1.0.0.255', '3.0.0.0', '2.0.0.0'],
  ])('refuses ranges %s', (_, start, end, nextStart, nextEnd) => {
    const next = { start: nextStart, end: nextEnd, asn: 2, organization: 'two' }
    expect(() => write([{ start, end, asn: 1, organization: 'one' }, next])).toThrow(RangeError)
  })

  it.each([
    ['every IPv4 address', '0.0.0.0', '255.255.255.255'],
    ['more than IPv4 in IPv6', '::', '0:0:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['half of IPv6', '8000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['all but the ends of IPv4', '0.0.0.1', '255.255.255.254'],
  ])('stores a range of %s', (_, start, end) => {
    const find = read([{ start, end, asn: 1, organization: 'one' }])
    expect([find(start), find(end)]).toEqual([1, 1])
  })

  it('answers as a plain search through the ranges does, at every edge and between', () => {
    fc.assert(
      fc.property(sortedRanges(), (ranges) => {
        const find = read(ranges.map(asTexts))
        for (const { start, end, asn } of ranges) {
          expect(find(textOf(start))).toBe(asn)
          expect(find(textOf(end))).toBe(asn)
          for (const near of [start - 1n, end + 1n, (start + end) / 2n]) {
            if (sameVersion(near, start)) expect(find(textOf(near))).toBe(naive(ranges, near))
          }
        }
      }),
      { numRuns: 400 },
    )
  })
})

type NumberRange = { start: bigint; end: bigint; asn: number }
const MAPPED = 0xffffn << 32n
const MAX = (1n << 128n) - 1n

/** Disjoint ranges of both versions, many of them adjacent or with common prefixes. */
function sortedRanges(): fc.Arbitrary<NumberRange[]> {
  const point = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((low) => MAPPED | low),
    fc.bigInt({ min: 0n, max: 4095n }).map((low) => MAPPED | (10n << 24n) | low),
    fc.bigInt({ min: 0x2003n << 112n, max: MAX }),
    fc.bigInt({ min: 0n, max: 4095n }).map((low) => (0x2a00n << 112n) | (low << 68n)),
  )
  return fc
    .tuple(
      fc.uniqueArray(point, { minLength: 2, maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 60, maxLength: 60 }),
    )
    .map(([points, asns]) => {
      const sorted = points.sort((a, b) => (a < b ? -1 : 1))
      const ranges: NumberRange[] = []
      for (let at = 0; at + 1 < sorted.length; at += 1) {
        const [start = 0n, next = 0n] = [sorted[at], sorted[at + 1]]
        const end = at % 3 === 0 ? next - 1n : at % 3 === 1 ? start : (start + next) / 2n
        if (sameVersion(start, end)) ranges.push({ start, end, asn: asns[at] ?? 1 })
      }
      return ranges
    })
}

function naive(ranges: NumberRange[], address: bigint): number | undefined {
  return ranges.find(({ start, end }) => start <= address && address <= end)?.asn
}

function sameVersion(a: bigint, b: bigint): boolean {
  return a >= 0n && a <= MAX && (a >> 32n === 0xffffn) === (b >> 32n === 0xffffn)
}

function asTexts({ start, end, asn }: NumberRange): Range {
  return { start: textOf(start), end: textOf(end), asn, organization: `network ${asn}` }
}

function textOf(address: bigint): string {
  const bytes = Buffer.from(address.toString(16).padStart(32, '0'), 'hex')
  return formatAddress(bytes, address >> 32n === 0xffffn ? 4 : 6)
}
