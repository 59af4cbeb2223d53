import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInside, createPrefixIndex } from './prefix-index.ts'

const ipv4 = fc
  .tuple(fc.ipV4(), fc.integer({ min: 8, max: 32 }))
  .map(([address, length]) => `${address}/${length}`)
// Few different groups, so that prefixes do lie inside one another.
const ipv6 = fc
  .tuple(
    fc.array(fc.constantFrom('0', 'db8', '2001'), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 0, max: 64 }),
  )
  .map(([groups, length]) => `${groups.join(':')}::/${length}`)

describe('an index of prefixes', () => {
  it('finds just what lies inside, as the system has it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(ipv4, ipv6), { maxLength: 20 }),
        fc.oneof(ipv4, ipv6),
        (prefixes, outer) => {
          const items = [...prefixes, outer].map((prefix) => ({ prefix }))
          const expected = items.filter(({ prefix }) => isInside(prefix, outer))
          expect(createPrefixIndex(items)(outer)).toEqual(expected)
          expect(items.filter(({ prefix }) => createInside([outer])(prefix))).toEqual(expected)
        },
      ),
    )
  })

  it.each([
    ['192.0.2.0/23', ['192.0.2.0/24', '192.0.3.0/24']],
    ['192.0.3.0/24', ['192.0.3.0/24']],
    ['2001:db8::/32', ['2001:db8:1::/48']],
    ['::/0', ['2001:db8:1::/48', '::/0']],
    ['0.0.0.0/0', ['192.0.2.0/24', '192.0.3.0/24', '192.0.4.0/24']],
  ])('%s', (outer, inside) => {
    const all = ['192.0.2.0/24', '192.0.3.0/24', '192.0.4.0/24', '2001:db8:1::/48', '::/0']
    const found = createPrefixIndex(all.map((prefix) => ({ prefix })))(outer)
    expect(found.map(({ prefix }) => prefix)).toEqual(inside)
  })
})

function isInside(inner: string, outer: string): boolean {
  const [address = '', length = ''] = inner.split('/')
  const [outerAddress = '', outerLength = ''] = outer.split('/')
  const family = (text: string) => (text.includes(':') ? 'ipv6' : 'ipv4')
  if (family(address) !== family(outerAddress) || Number(length) < Number(outerLength)) return false
  // The system takes no subnet of length 0.
  if (outerLength === '0') return true
  const list = new BlockList()
  list.addSubnet(outerAddress, Number(outerLength), family(outerAddress))
  return list.check(address, family(address))
}
