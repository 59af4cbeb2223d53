import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HandshakeRow } from '../core/store/handshake-row.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createIncidentDescriber } from './describe-incident.ts'
import type { Incident } from './incident.ts'

const ONSET = 1_790_000_040
const MTU = { outcome: 'failed', stage: 'connected', cause: 'mtu_inbound' } as const
const REJECTED = { outcome: 'failed', stage: 'server_flight', cause: 'client_rejected' } as const
const SMALL = { hello_bytes: 400, hello_post_quantum: 'no' } as const
const LARGE = { hello_bytes: 1_700, hello_post_quantum: 'yes' } as const

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
  await store.write([
    encodeHandshakes([
      // The day before: one in five fails for another reason, half of the ClientHellos are large.
      ...many(40, -3_600, SMALL),
      ...many(40, -3_600, LARGE),
      ...many(20, -3_600, { ...REJECTED, ...SMALL }),
      // Since the onset: the large ones fail, the rest is as it was.
      ...many(20, 0, SMALL),
      ...many(10, 0, { ...REJECTED, ...SMALL }),
      ...many(40, 60, { ...MTU, ...LARGE, prefix: '203.0.113.0/24' }),
      ...many(5, 60, { outcome: 'noise', stage: 'connected', cause: 'silent' }),
      // Another network's failures are not ours.
      ...many(500, 0, { ...REJECTED, asn: 64_501 }),
    ]),
  ])
})
afterAll(async () => {
  await store.stop()
  await folder.remove()
})

describe('what the store knows of an incident', () => {
  it('is the same of several networks as of each, counted together', async () => {
    const members = { scope: 'networks', asn: 0, members: ['AS64500', 'AS64999 nobody'] } as const
    const { network: _, ...own } = await createIncidentDescriber(store)(incident({}))
    expect(
      await createIncidentDescriber(store)(incident({ ...members, members: [...members.members] })),
    ).toEqual(own)
  })

  it('is a name alone where clients are missing', async () => {
    const found = await createIncidentDescriber(store)(incident({ kind: 'volume' }))
    expect(found).toEqual({ network: 'Example Net', cause: '', cause_share: 0, dimension: '' })
  })

  it('is its dominant cause beyond what was usual, and the dimension that carries it', async () => {
    const found = await createIncidentDescriber(store)(incident({}))
    expect(found).toEqual({
      network: 'Example Net',
      clients: 70,
      failing_clients: 50,
      cause: 'mtu_inbound',
      // 40 of them; of the 10 rejections now, 14 (20 of 100, over 70 handshakes) would have been usual.
      cause_share: 1,
      dimension: 'only ClientHellos over 1,460 bytes',
    })
  })

  it('is counted by prefix for a prefix', async () => {
    const found = await createIncidentDescriber(store)(
      incident({ scope: 'prefix', prefix: '203.0.113.0/24' }),
    )
    expect(found).toMatchObject({ clients: 40, failing_clients: 40, cause: 'mtu_inbound', cause_share: 1 })
  })

  it('names no network, and counts all of them, when all of them fail', async () => {
    const found = await createIncidentDescriber(store)(incident({ scope: 'world', kind: 'our_side', asn: 0 }))
    expect(found).toMatchObject({ cause: 'client_rejected' })
    expect(found).not.toHaveProperty('network')
  })

  it('is nothing for minutes that have no failures', async () => {
    const found = await createIncidentDescriber(store)(incident({ onset: ONSET + 86_400 * 3 }))
    expect(found).toMatchObject({ clients: 0, cause: '', cause_share: 0, dimension: '' })
  })
})

let next = 0n

function many(count: number, seconds: number, given: Partial<HandshakeRow>): HandshakeRow[] {
  return Array.from({ length: count }, () => {
    next += 1n
    return handshakeRow({ decided_at: (ONSET + seconds) * 1000, client: next, ...given })
  })
}

function incident(given: Partial<Incident>): Incident {
  return {
    id: 'i',
    scope: 'network',
    kind: 'divergence',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    state: 'open',
    onset: ONSET,
    opened_at: ONSET + 120,
    closed_at: 0,
    reopened: 0,
    expected_rate: 0.2,
    failure_rate: 0.7,
    failed: 50,
    decided: 70,
    clients: 0,
    failing_clients: 0,
    prefixes: [],
    members: [],
    evidence: 1e7,
    odds: '',
    world_excess: 0,
    cause: '',
    cause_share: 0,
    dimension: '',
    explanation: '',
    version: 1,
    updated_at: 0,
    ...given,
  }
}
