import { expect, it } from 'vitest'
import { table } from './table.ts'

const io = { bold: (text: string) => text }

it('aligns words to the left and numbers to the right', () => {
  const rows = [
    ['one', 1],
    ['twenty', 20],
  ]
  expect(table(['name', 'count'], rows, io)).toBe(
    ['name    count', 'one         1', 'twenty     20'].join('\n'),
  )
})

it('takes as many rows as a capture has handshakes', () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [`row ${i}`])
  expect(table(['row'], rows, io)).toMatch(/row 299999$/)
})
