import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from './address.ts'
import { parseNetworks } from './networks-file.ts'
import { createOverrides } from './overrides.ts'

const GOOD = `# our own names
prefix,label,asn
203.0.113.0/24,"Customer A, Berlin",AS64500

10.0.0.0/8,Office VPN
2001:DB8::/32,Lab,64501
::ffff:192.0.2.0/120,Mapped,
0.0.0.0/0,Elsewhere
`

function labelOf(csv: string, ip: string): string | undefined {
  const address = parseAddress(ip)
  return address && createOverrides(parseNetworks(Buffer.from(csv)).networks).find(address)?.label
}

describe('parseNetworks', () => {
  it('reads prefixes of both versions, quoted labels, comments, blank lines and optional AS numbers', () => {
    const { networks, mistakes } = parseNetworks(Buffer.from(GOOD))
    expect(mistakes).toEqual([])
    expect(networks.map(({ prefix, label, asn }) => [prefix, label, asn])).toEqual([
      ['203.0.113.0/24', 'Customer A, Berlin', 64500],
      ['10.0.0.0/8', 'Office VPN', undefined],
      ['2001:db8::/32', 'Lab', 64501],
      ['192.0.2.0/24', 'Mapped', undefined],
      ['0.0.0.0/0', 'Elsewhere', undefined],
    ])
  })

  it('reads what a spreadsheet writes: a byte order mark, CRLF, blanks, capitals in the header', () => {
    const bytes = Buffer.from('\ufeffPrefix, Label\r\n 10.0.0.0/8 , Office \r\n')
    expect(parseNetworks(bytes).networks).toMatchObject([{ prefix: '10.0.0.0/8', label: 'Office' }])
  })

  const mistakes: [string, object][] = [
    ['10.0.0.0,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['10.0.0.0/33,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['2001:db8::/129,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['fe80::%eth0/64,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['10.0.0.0/8/8,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['office/8,Office', { field: 'prefix', reason: 'bad_prefix' }],
    ['10.0.0.1/8,Office', { field: 'prefix', reason: 'host_bits', allowed: '10.0.0.0/8' }],
    ['2001:db8::1/48,Office', { field: 'prefix', reason: 'host_bits', allowed: '2001:db8::/48' }],
    ['203.0.113.0/24,Twice', { field: 'prefix', reason: 'duplicate' }],
    ['::ffff:203.0.113.0/120,Twice', { field: 'prefix', reason: 'duplicate' }],
    ['10.0.0.0/8,', { field: 'label', reason: 'bad_label' }],
    [`10.0.0.0/8,${'x'.repeat(65)}`, { field: 'label', reason: 'bad_label' }],
    ['10.0.0.0/8,a\u0007b', { field: 'label', reason: 'bad_label' }],
    ['10.0.0.0/8,Office,0', { field: 'asn', reason: 'bad_asn' }],
    ['10.0.0.0/8,Office,4294967296', { field: 'asn', reason: 'bad_asn' }],
    ['10.0.0.0/8,Office,ASX', { field: 'asn', reason: 'bad_asn' }],
    ['10.0.0.0/8', { field: null, reason: 'wrong_columns' }],
    ['10.0.0.0/8,a,1,b', { field: null, reason: 'wrong_columns' }],
    ['10.0.0.0/8,"Office', { field: null, reason: 'bad_quotes' }],
  ]

  it.each(mistakes)('reports %j with line, field and reason', (line, mistake) => {
    const csv = `prefix,label,asn\n203.0.113.0/24,Once\n# a comment counts as a line\n${line}\n`
    const parsed = parseNetworks(Buffer.from(csv))
    expect(parsed.mistakes).toEqual([expect.objectContaining({ line: 4, ...mistake })])
    expect(parsed.mistakes[0]?.allowed).not.toBe('')
    expect(parsed.networks).toHaveLength(1)
  })

  it('reports all mistakes together', () => {
    const csv = mistakes.map(([line]) => line).join('\n')
    expect(parseNetworks(Buffer.from(`prefix,label,asn\n203.0.113.0/24,Once\n${csv}`)).mistakes).toHaveLength(
      mistakes.length,
    )
  })

  it.each(['10.0.0.0/8,Office', 'network,name'])('asks for a header where the first line is %j', (line) => {
    expect(parseNetworks(Buffer.from(line)).mistakes).toMatchObject([{ line: 1, reason: 'bad_header' }])
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(parseNetworks(Buffer.from([0xff, 0xfe])).mistakes).toMatchObject([{ reason: 'not_utf8' }])
  })

  it('never throws, whatever the bytes', () => {
    const line = fc.array(fc.constantFrom('1', '.', '/', ',', '"', ':', '::', '#', ' ', 'a', '8', '%'), {
      maxLength: 30,
    })
    const texts = fc
      .array(line.map((parts) => parts.join('')))
      .map((all) => `prefix,label\n${all.join('\n')}`)
    fc.assert(
      fc.property(
        fc.oneof(
          texts.map((text) => Buffer.from(text)),
          fc.uint8Array().map(Buffer.from),
        ),
        (bytes) => {
          createOverrides(parseNetworks(bytes).networks)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('createOverrides', () => {
  const csv = `prefix,label
10.0.0.0/8,eight
10.1.0.0/16,sixteen
10.1.2.3/32,host
0.0.0.0/0,all of IPv4
::/0,all of IPv6
2001:db8::/32,thirty-two
2001:db8:1::/48,forty-eight
`
  it.each([
    ['10.9.9.9', 'eight'],
    ['10.1.9.9', 'sixteen'],
    ['10.1.2.3', 'host'],
    ['::ffff:10.1.2.3', 'host'],
    ['11.0.0.1', 'all of IPv4'],
    ['2001:db8:2::1', 'thirty-two'],
    ['2001:db8:1::1', 'forty-eight'],
    ['fe80::1', 'all of IPv6'],
  ])('finds the longest prefix of %s: %s', (ip, label) => {
    expect(labelOf(csv, ip)).toBe(label)
  })

  it('does not take IPv4 for a part of ::/0', () => {
    expect(labelOf('prefix,label\n::/0,all of IPv6\n', '10.1.2.3')).toBeUndefined()
  })

  it('finds nothing where nothing was named', () => {
    expect(labelOf('prefix,label\n10.0.0.0/8,eight\n', '11.0.0.1')).toBeUndefined()
  })
})
