import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONFIDENCES, type HandshakeRow, LOOKUPS, OUTCOMES, POST_QUANTUM, STAGES } from '../handshake-row.ts'
import { encodeHandshakes } from '../tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../testing.ts'
import { encodeColumns, LowCardinalityColumn, NumberColumn } from './columns.ts'

const U16 = 0xffff
const U32 = 0xffff_ffff
const DAY_MS = 86_400_000

describe('Native columns', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let store: ReturnType<typeof storeAt>
  beforeAll(async () => {
    folder = await temporaryFolder()
    store = storeAt(folder.path)
    await store.start()
  })
  afterAll(async () => {
    await store.stop()
    await folder.remove()
  })

  it('bring whatever values the rows have into the engine', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 300 }), async (rows) => {
        await store.command('TRUNCATE TABLE handshakes')
        const numbered = rows.map((given, line) => handshakeRow({ ...given, line }))
        await store.write([encodeHandshakes(numbered)])
        expect(await readBack()).toEqual(numbered.map(asAnswered))
      }),
      { numRuns: 25 },
    )
  })

  it.each([1, 256, 257, 65_536, 65_537])('hold a dictionary of %i names', async (names) => {
    await store.command('TRUNCATE TABLE handshakes')
    const now = Date.now()
    const rows = Array.from({ length: names + 2 }, (_, line) =>
      handshakeRow({ line, decided_at: now, server_name: `n${line % names}` }),
    )
    await store.write([encodeHandshakes(rows)])
    const wrong = await store.query(
      `SELECT line, server_name FROM handshakes WHERE server_name != concat('n', toString(line % ${names})) LIMIT 3`,
    )
    expect(wrong).toEqual([])
    expect(await store.query('SELECT count() AS n, uniqExact(server_name) AS names FROM handshakes')).toEqual(
      [{ n: names + 2, names }],
    )
  })

  it('of unequal length are refused by name', () => {
    const full = new NumberColumn('UInt8', new Uint8Array(2))
    full.add(1)
    full.add(2)
    const short = new LowCardinalityColumn(2)
    short.add('x')
    expect(() => encodeColumns({ full, short }, 2)).toThrow('column short has 1 values of 2')
  })

  function readBack() {
    return store.query<Record<string, unknown>>(
      `SELECT * REPLACE(toString(client) AS client, toString(bytes_in) AS bytes_in, hex(source_address) AS source_address,
         hex(destination_address) AS destination_address, toUnixTimestamp64Milli(opened_at) AS opened_at,
         toUnixTimestamp64Milli(decided_at) AS decided_at, toUnixTimestamp64Milli(received_at) AS received_at)
       FROM handshakes ORDER BY line`,
    )
  }
})

const integer = (max: number) => fc.oneof(fc.constantFrom(0, 1, max), fc.integer({ min: 0, max }))
const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
const name = fc.oneof(fc.constantFrom('', 'a', 'b'), text(70))
const recent = fc.integer({ min: Date.now() - 3 * DAY_MS, max: Date.now() })

const row: fc.Arbitrary<Partial<HandshakeRow>> = fc.record({
  agent: name,
  epoch: integer(Number.MAX_SAFE_INTEGER),
  sequence: integer(Number.MAX_SAFE_INTEGER),
  bus_partition: integer(U32),
  received_at: recent,
  opened_at: recent,
  decided_at: recent,
  id: text(64),
  site: name,
  source_address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  source_port: integer(U16),
  prefix: text(50),
  client: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  asn: integer(U32),
  network: name,
  lookup: fc.constantFrom(...LOOKUPS),
  hello_post_quantum: fc.constantFrom(...POST_QUANTUM),
  bytes_in: integer(Number.MAX_SAFE_INTEGER),
  alert: fc.integer({ min: -1, max: 255 }),
  tcp_seen: fc.boolean(),
  tcp_retrans: integer(U32),
  outcome: fc.constantFrom(...OUTCOMES),
  stage: fc.constantFrom(...STAGES),
  cause: name,
  confidence: fc.constantFrom(...CONFIDENCES),
  evidence: text(300),
})

function asAnswered(given: HandshakeRow): Record<string, unknown> {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase()
  return {
    ...given,
    client: String(given.client),
    bytes_in: String(given.bytes_in),
    source_address: hex(given.source_address),
    destination_address: hex(given.destination_address),
  }
}
