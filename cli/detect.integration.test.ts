import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createRandom } from './testing/agents.ts'
import { run } from './testing/processes.ts'

const MINUTE_MS = 60_000
const MINUTES = 180
const BROKEN_FOR = 20
const CLIENTS = 25
const NETWORKS = [64_501, 64_502, 64_503, 64_504, 64_505, 64_506]
const BROKEN = 64_503

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let settings: Record<string, string>
const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 2 * MINUTE_MS

beforeAll(async () => {
  folder = await temporaryFolder()
  settings = { HALFSHAKE_DATA_FOLDER: folder.path, HALFSHAKE_LOG_LEVEL: 'warn' }
  const store = storeAt(folder.path)
  await store.start()
  await store.write([encodeHandshakes([...handshakes()])])
  await store.stop()
})
afterAll(() => folder.remove())

describe('halfshake detect', () => {
  it('finds in the store what the detector would have found', async () => {
    const { code, output } = await run(['detect', '--since', '1d', '--json'], settings)
    expect(code).toBe(0)
    const incidents: { asn: number; scope: string; onset: number }[] = JSON.parse(output)
    expect(incidents.filter(({ scope }) => scope === 'network').map(({ asn }) => asn)).toEqual([BROKEN])
    const [incident] = incidents
    expect(Math.abs((incident?.onset ?? 0) * 1_000 - (end - BROKEN_FOR * MINUTE_MS))).toBeLessThan(
      3 * MINUTE_MS,
    )
  })

  it('judges counts from a file, and says what is wrong with one', async () => {
    const good = join(folder.path, 'counts.csv')
    const random = createRandom(3)
    const lines = ['minute,network,prefix,site,n,k,clients']
    for (let minute = 0; minute < 300; minute += 1) {
      for (const asn of NETWORKS) {
        const share = asn === BROKEN && minute >= 270 ? 0.6 : 0.01
        const failed = Array.from({ length: CLIENTS }, random).filter((luck) => luck < share).length
        lines.push([1_790_000_040 + minute * 60, `AS${asn}`, '', '', CLIENTS, failed, CLIENTS].join(','))
      }
    }
    await writeFile(good, lines.join('\n'))
    const { code, output } = await run(['detect', '--input', good], settings)
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining(`AS${BROKEN}: `) })
    expect(output).toContain('1 in 300 minutes of counts.')
    await writeFile(good, `${lines[0]}\n1790000040,AS1,,,1,2,1\n`)
    expect(await run(['detect', '--input', good], settings)).toEqual({
      code: 1,
      output: `${good}: line 2: k is "2"; allowed: at most n, which is 1\n`,
    })
  })
})

describe('halfshake explain', () => {
  it('prints the numbers behind a verdict, and behind its absence', async () => {
    const broken = await run(['explain', `AS${BROKEN}`, '--json'], settings)
    expect(JSON.parse(broken.output)).toMatchObject({
      incident_open: true,
      incidents: [{ asn: BROKEN }, ...[]],
    })
    const healthy = await run(['explain', 'AS64501'], settings)
    expect(healthy).toMatchObject({
      code: 0,
      output: expect.stringContaining('no alarm, the evidence does not suffice'),
    })
    const before = new Date(end - 40 * MINUTE_MS).toISOString()
    const earlier = await run(['explain', `AS${BROKEN}`, '--at', before], settings)
    expect(earlier.output).toContain('no alarm')
  })

  it('says what it cannot explain', async () => {
    expect(await run(['explain', '203.0.113.0/24'], settings)).toMatchObject({
      code: 1,
      output: expect.stringContaining('nothing is stored of 203.0.113.0/24'),
    })
    expect(await run(['explain', 'AS64501', '--at', 'noon'], settings)).toMatchObject({
      code: 1,
      output: expect.stringContaining('--at is "noon"'),
    })
  })
})

/** One handshake of each client a minute; half of the broken network's fail at the end, one in a hundred otherwise. */
function* handshakes() {
  const random = createRandom(1)
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const at = end - (MINUTES - minute) * MINUTE_MS
    for (const asn of NETWORKS) {
      const share = asn === BROKEN && minute >= MINUTES - BROKEN_FOR ? 0.5 : 0.01
      for (let client = 0; client < CLIENTS; client += 1) {
        const failed = random() < share
        yield handshakeRow({
          id: `${asn}-${minute}-${client}`,
          asn,
          prefix: `10.${asn - 64_500}.${client % 4}.0/24`,
          client: BigInt(asn * 1_000 + client),
          decided_at: at + client,
          ...(failed
            ? { outcome: 'failed', stage: 'hello_partial', cause: 'mtu_inbound', ended_by: 'timeout' }
            : {}),
        })
      }
    }
  }
}
