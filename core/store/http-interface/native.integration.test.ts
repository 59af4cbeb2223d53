import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddedStore } from '../embedded.ts'
import { storeAt, temporaryFolder } from '../testing.ts'
import { nativeForRevision } from './native.ts'
import { createNativeStream } from './native-stream.ts'

const REVISION = 54_460

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EmbeddedStore

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
})
afterAll(async () => {
  await store?.stop()
  await folder?.remove()
})

const EXPRESSIONS = [
  'toUInt8(number)',
  'toInt128(number)',
  'toUInt256(number)',
  'toFloat32(number)',
  'toBFloat16(number)',
  'toString(number * 123456789)',
  'toFixedString(toString(number % 10), 3)',
  "toDate('2026-01-01')",
  "toDate32('2026-01-01')",
  'toDateTime(number)',
  "toDateTime64(number, 3, 'UTC')",
  "CAST(number % 2 AS Enum8('a, \\'b' = 0, '(' = 1))",
  'number % 2 = 0',
  "toIPv4('1.2.3.4')",
  "toIPv6('::1')",
  'generateUUIDv4()',
  'toDecimal32(number, 2)',
  'toDecimal64(number, 2)',
  'toDecimal128(number, 2)',
  'toDecimal256(number, 2)',
  'toNullable(number)',
  'if(number % 3 = 0, NULL, toString(number))',
  'NULL',
  '[]',
  "toLowCardinality(concat('k', toString(number % 300)))",
  'toLowCardinality(if(number % 3 = 0, NULL, toString(number)))',
  'range(number % 5)',
  'arrayMap(x -> toLowCardinality(toString(x)), range(number % 4))',
  '[[toString(number)], []]',
  "(number, 'x', [toLowCardinality('y')])",
  "CAST((number, 'x') AS Tuple(`a b` UInt64, c String))",
  "map('k', number, 'l', 2)",
  "map(toLowCardinality('k'), [toNullable(number)])",
  'toIntervalDay(number)',
  '[(number, toString(number))]',
] as const

describe('Native blocks for a revision of the protocol', () => {
  it.each(EXPRESSIONS)('end where the engine ends them: %s', async (expression) => {
    const bytes = await native(
      `SELECT ${expression} AS v, 'end' AS e FROM numbers(1000) SETTINGS max_block_size = 300`,
    )
    const { converted, used } = nativeForRevision(bytes, REVISION)
    expect(used).toBe(bytes.length)
    // Eight bytes before each of four blocks, and one in each of its two columns.
    expect(converted.length).toBe(bytes.length + 4 * (8 + 2))
  })

  it('come out the same in whatever pieces they come in', async () => {
    const bytes = await native(
      'SELECT number, toString(number), range(number % 3) FROM numbers(5000) SETTINGS max_block_size = 900',
    )
    const whole = nativeForRevision(bytes, REVISION).converted
    for (const size of [1, 7, 4_096, 65_536]) {
      const stream = createNativeStream(REVISION)
      const parts: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) parts.push(stream.take(bytes.subarray(at, at + size)))
      expect(Buffer.concat([...parts, stream.rest()]).equals(whole)).toBe(true)
    }
  })

  it('that are cut off are an error, and types that cannot be walked say what to do', async () => {
    const bytes = await native('SELECT 1')
    const stream = createNativeStream(REVISION)
    stream.take(bytes.subarray(0, bytes.length - 1))
    expect(() => stream.rest()).toThrow(/ends before/)
    const state = await native('SELECT uniqState(number) FROM numbers(3)')
    expect(() => nativeForRevision(state, REVISION)).toThrow(/AggregateFunction.*toString/)
  })
})

async function native(sql: string): Promise<Buffer> {
  const session = await store.engine().session('reader')
  try {
    return Buffer.from((await session.queryAsync(sql, { format: 'Native' })).bytes())
  } finally {
    session.close()
  }
}
