import { expect, it } from 'vitest'
import { parseBytes } from './address.ts'
import { createMmdbTree } from './mmdb-tree.ts'

const ONE = parseBytes('2001:db8::1') ?? new Uint8Array(16)

it('refuses to write a pointer that does not fit into a record', () => {
  const tree = createMmdbTree()
  tree.insert(ONE, ONE, 2 ** 28)
  expect(() => tree.serialize()).toThrow('more than 28 bits')
})

it('refuses the range of every address there is', () => {
  const all = new Uint8Array(16).fill(0xff)
  expect(() => createMmdbTree().insert(new Uint8Array(16), all, 1)).toThrow(RangeError)
})

it('refuses a range that lies within one it has', () => {
  const tree = createMmdbTree()
  const [start, end] = [parseBytes('2001:db8::'), parseBytes('2001:db8::ffff')]
  if (start === undefined || end === undefined) throw new Error('bad addresses')
  tree.insert(start, end, 1)
  expect(() => tree.insert(ONE, ONE, 2)).toThrow('overlap')
})
