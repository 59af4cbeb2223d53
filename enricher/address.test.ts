import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress, prefixOf } from './address.ts'

const SAME_ADDRESS: [string, string, 4 | 6][] = [
  ['203.0.113.9', '203.0.113.9', 4],
  ['0.0.0.0', '0.0.0.0', 4],
  ['255.255.255.255', '255.255.255.255', 4],
  ['::ffff:203.0.113.9', '203.0.113.9', 4],
  ['::FFFF:cb00:7109', '203.0.113.9', 4],
  ['0:0:0:0:0:ffff:203.0.113.9', '203.0.113.9', 4],
  ['2001:DB8::1', '2001:db8::1', 6],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1', 6],
  ['fe80::1%eth0', 'fe80::1', 6],
  ['fe80::1%25.0-a:b', 'fe80::1', 6],
  ['::', '::', 6],
  ['::1', '::1', 6],
  ['1::', '1::', 6],
  ['2001:db8:0:0:1:0:0:0', '2001:db8:0:0:1::', 6],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 6],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', 6],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201', 6],
  ['::1.2.3.4', '::102:304', 6],
]

const NO_ADDRESS = [
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '256.1.1.1',
  '1.2.3.4 ',
  '1.2.3.4%eth0',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '1:2:3:4:5:6:7:1.2.3.4',
  ':1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8:',
  '12345::',
  'g::1',
  '::1.2.3',
  '::1.2.3.4:5',
  'fe80::1%',
  'fe80::1%a b',
]

describe('parseAddress', () => {
  it.each(SAME_ADDRESS)('reads %s as %s', (written, text, version) => {
    expect(parseAddress(written)).toMatchObject({ text, version })
  })

  it.each(NO_ADDRESS)('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it('keeps IPv4 as ::ffff:a.b.c.d in its bytes', () => {
    expect([...(parseAddress('1.2.3.4')?.bytes ?? [])]).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4,
    ])
  })

  it('accepts exactly what node:net accepts, whatever the text', () => {
    const piece = fc.constantFrom(
      ':',
      '::',
      '.',
      '0',
      '1',
      'ff',
      'FFFF',
      '255',
      '256',
      '01',
      '%',
      'eth0',
      'g',
    )
    const texts = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(piece, { maxLength: 16 }).map((all) => all.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0)
      }),
      { numRuns: 5000 },
    )
  })

  it('writes IPv6 as the URL standard does, and reads its own text back to the same bytes', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const address = parseAddress(text)
        if (address === undefined || address.version === 4) return
        expect(`[${address.text}]`).toBe(new URL(`http://[${text}]/`).hostname)
        expect(parseAddress(address.text)).toEqual(address)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('prefixOf', () => {
  const cases: [string, { ipv4: number; ipv6: number }, string][] = [
    ['203.0.113.77', { ipv4: 24, ipv6: 48 }, '203.0.113.0/24'],
    ['::ffff:203.0.113.77', { ipv4: 24, ipv6: 48 }, '203.0.113.0/24'],
    ['2001:db8:1234:5678::9', { ipv4: 24, ipv6: 48 }, '2001:db8:1234::/48'],
    ['203.0.113.77', { ipv4: 32, ipv6: 128 }, '203.0.113.77/32'],
    ['2001:db8::9', { ipv4: 32, ipv6: 128 }, '2001:db8::9/128'],
    ['203.0.113.255', { ipv4: 27, ipv6: 48 }, '203.0.113.224/27'],
    ['2001:db8:1fff::', { ipv4: 24, ipv6: 36 }, '2001:db8:1000::/36'],
    ['203.0.113.255', { ipv4: 0, ipv6: 0 }, '0.0.0.0/0'],
    ['2001:db8::9', { ipv4: 0, ipv6: 0 }, '::/0'],
  ]

  it.each(cases)('puts %s with lengths %j into %s', (text, lengths, expected) => {
    const address = parseAddress(text)
    expect(address && prefixOf(address, lengths).text).toBe(expected)
  })

  it('gives the bytes of the prefix, for addresses stored truncated', () => {
    const address = parseAddress('203.0.113.77')
    expect(address && [...prefixOf(address, { ipv4: 24, ipv6: 48 }).bytes].slice(12)).toEqual([
      203, 0, 113, 0,
    ])
  })
})
