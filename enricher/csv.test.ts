import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseCsvLine } from './csv.ts'

const LINES: [string, string[] | undefined][] = [
  ['a,b,c', ['a', 'b', 'c']],
  [' a , b', ['a', 'b']],
  ['', ['']],
  ['a,', ['a', '']],
  ['"a",', ['a', '']],
  ['1,"Enecom,Inc."', ['1', 'Enecom,Inc.']],
  ['1,"LLC ""SPUTNIK""",x', ['1', 'LLC "SPUTNIK"', 'x']],
  ['"" , " a "', ['', ' a ']],
  ['a"b,c', ['a"b', 'c']],
  ['"a', undefined],
  ['"a"b', undefined],
]

it.each(LINES)('reads %j as %j', (line, fields) => {
  expect(parseCsvLine(line)).toEqual(fields)
})

it('reads back every list of fields that was quoted', () => {
  const lists = fc.array(
    fc.string().filter((field) => !/[\r\n]/.test(field)),
    { minLength: 1, maxLength: 5 },
  )
  fc.assert(
    fc.property(lists, (fields) => {
      const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')
      expect(parseCsvLine(line)).toEqual(fields)
    }),
  )
})
