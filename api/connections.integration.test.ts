import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeBatches, encodeDeadLetters, encodeHandshakes } from '../core/store/tables.ts'
import { handshake } from './testing/handshakes.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'
import { DAY, floorTo, HOUR, iso, MINUTE } from './window.ts'

const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR
const SECONDS = NOW / 1_000

const HANDSHAKES = [
  handshake({ id: 'ok', decided_at: NOW - 5 * MINUTE, client: 18_446_744_073_709_551_615n, ip_version: 4 }),
  handshake({
    id: 'hole',
    decided_at: NOW - 4 * MINUTE,
    outcome: 'failed',
    source: '203.0.113.9',
    asn: 64_501,
    label: 'Office',
    site: 'ams',
    server_name: 'shop.example.com',
    agent: 'edge-2',
  }),
  handshake({
    id: 'alert',
    decided_at: NOW - 3 * MINUTE,
    outcome: 'failed',
    stage: 'server_flight',
    cause: 'client_rejected',
    confidence: 'certain',
    ended_by: 'alert',
    alert: 48,
    alert_side: 'client',
    tcp_seen: false,
  }),
  handshake({
    id: 'quiet',
    decided_at: NOW - 2 * MINUTE,
    outcome: 'noise',
    stage: 'connected',
    cause: 'silent',
  }),
  // Two in the same millisecond: the id decides which stands first.
  handshake({ id: 'twin-a', decided_at: NOW - MINUTE }),
  handshake({ id: 'twin-b', decided_at: NOW - MINUTE }),
  handshake({ id: 'old', decided_at: NOW - 2 * HOUR }),
]

const letter = (sequence: number, reason: string, agoMs: number, raw: string) => ({
  received_at: NOW - agoMs,
  agent: 'edge-1',
  epoch: 1_700_000_000_000,
  sequence,
  line: 1,
  bus_partition: 0,
  bus_offset: 0,
  reason,
  field: 'v',
  message: `wrong ${sequence}`,
  bytes: raw.length,
  raw: Buffer.from(raw, 'latin1'),
})

const batch = (agent: string, epoch: number, sequence: number, agoMs: number) => ({
  received_at: NOW - agoMs,
  agent,
  epoch,
  sequence,
  bus_partition: 0,
  bus_offset: 0,
  accepted: 10,
  handshakes: 9,
  rejected: 1,
})

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([
    encodeHandshakes(HANDSHAKES),
    encodeDeadLetters([
      letter(1, 'bad_value', 3 * MINUTE, '{"v":2}'),
      letter(2, 'not_utf8', 2 * MINUTE, '\xff\xfe'),
      letter(3, 'bad_value', MINUTE, '{"v":3}'),
    ]),
    encodeBatches([
      batch('edge-1', 1, 1, 9 * MINUTE),
      batch('edge-1', 2, 1, 8 * MINUTE),
      batch('edge-2', 7, 1, MINUTE),
    ]),
  ])
  await opened.store.insert('incidents', [
    openIncident({ id: 'open', opened_at: SECONDS - 600, onset: SECONDS - 900 }),
    openIncident({
      id: 'prefix',
      scope: 'prefix',
      prefix: '192.0.2.0/24',
      opened_at: SECONDS - 500,
      onset: SECONDS - 800,
    }),
    openIncident({ id: 'over', asn: 64_501, opened_at: SECONDS - 7_200, onset: SECONDS - 7_500 }),
  ])
  // The second state of an incident replaces the first.
  await opened.store.insert('incidents', [
    openIncident({
      id: 'over',
      asn: 64_501,
      state: 'closed',
      version: 2,
      opened_at: SECONDS - 7_200,
      onset: SECONDS - 7_500,
      closed_at: SECONDS - 3_000,
    }),
  ])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

type List = { items: { id: string }[]; next_cursor: string | null }
async function ids(path: string): Promise<string[]> {
  const { status, body } = await api.get(path)
  expect(status, JSON.stringify(body)).toBe(200)
  return (body as List).items.map(({ id }) => id)
}

async function pages(path: string): Promise<string[]> {
  const found: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await api.get(`${path}limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
    const { items, next_cursor } = body as List
    found.push(...items.map(({ id }) => id))
    cursor = next_cursor
  }
  return found
}

describe('single handshakes', () => {
  test('stand with the latest first, page by page too', async () => {
    const latest = ['twin-b', 'twin-a', 'quiet', 'alert', 'hole', 'ok']
    expect(await ids('/v1/connections')).toEqual(latest)
    expect(await pages('/v1/connections?')).toEqual(latest)
  })

  test.each([
    ['asn=AS64501', ['hole']],
    ['label=Office', ['hole']],
    ['prefix=203.0.113.0/24', ['hole']],
    ['address=203.0.113.9', ['hole']],
    ['address=2001:db8::1', []],
    ['outcome=failed', ['alert', 'hole']],
    ['stage=server_flight', ['alert']],
    ['cause=silent', ['quiet']],
    ['confidence=certain', ['alert']],
    ['site=ams', ['hole']],
    ['server_name=shop.example.com', ['hole']],
    ['agent=edge-2', ['hole']],
    ['ip_version=6', []],
    ['id=ok', ['ok']],
    ['from=-3h&to=-90m', ['old']],
    ["cause=' OR 1=1 --", []],
  ])('are found by %s', async (query, expected) => {
    expect(await ids(`/v1/connections?${query}`)).toEqual(expected)
  })

  test('have the facts as they were stored, and null where nothing was seen', async () => {
    const { body } = await api.get('/v1/connections?id=hole')
    expect((body as List).items[0]).toMatchObject({
      source_address: '203.0.113.9',
      destination_address: '198.51.100.1',
      decided_at: iso(NOW - 4 * MINUTE),
      opened_at: iso(NOW - 4 * MINUTE - 50),
      hello_bytes: null,
      alert: null,
      tcp_segs_in: 1,
      tcp_ooo: 1,
      stage: 'hello_partial',
      radar_stage: 'post_psh',
    })
    const alert = await api.get('/v1/connections?id=alert')
    expect((alert.body as List).items[0]).toMatchObject({
      alert: 48,
      tcp_segs_in: null,
      radar_stage: 'no_match',
    })
  })

  test('keep every digit of a client hash', async () => {
    const { body } = await api.get('/v1/connections?id=ok')
    expect((body as List).items[0]).toMatchObject({ client: '18446744073709551615' })
  })
})

describe('divergences', () => {
  test('are those that are open, newest first, page by page too', async () => {
    expect(await ids('/v1/divergences')).toEqual(['prefix', 'open'])
    expect(await pages('/v1/divergences?')).toEqual(['prefix', 'open'])
    expect(await pages('/v1/divergences?state=all&')).toEqual(['prefix', 'open', 'over'])
  })

  test.each([
    ['state=closed', ['over']],
    ['state=all', ['prefix', 'open', 'over']],
    ['scope=prefix', ['prefix']],
    ['kind=our_side', []],
    ['asn=64500&state=all', ['prefix', 'open']],
    ['prefix=192.0.2.0/24', ['prefix']],
    ['id=open', ['open']],
    // Those open at some time in between.
    ['state=all&from=-3h&to=-1h', ['over']],
    ['state=all&from=-40m&to=now', ['prefix', 'open']],
  ])('are found by %s', async (query, expected) => {
    expect(await ids(`/v1/divergences?${query}`)).toEqual(expected)
  })

  test('bear every field that the detector gave them', async () => {
    const { body } = await api.get('/v1/divergences?state=closed')
    const {
      onset: _onset,
      opened_at: _opened,
      closed_at: _closed,
      updated_at: _updated,
      ...rest
    } = openIncident({
      id: 'over',
      asn: 64_501,
      state: 'closed',
      version: 2,
    })
    expect((body as List).items[0]).toEqual({
      ...rest,
      acknowledgement: null,
      onset: iso(NOW - 7_500_000),
      opened_at: iso(NOW - 7_200_000),
      closed_at: iso(NOW - 3_000_000),
      updated_at: iso(NOW - 7_200_000),
    })
  })
})

describe('dead letters', () => {
  test('are counted by reason and kept with their bytes', async () => {
    const { body } = await api.get('/v1/dead-letters')
    expect(body).toMatchObject({
      reasons: [
        { reason: 'bad_value', count: 2, latest: iso(NOW - MINUTE) },
        { reason: 'not_utf8', count: 1, latest: iso(NOW - 2 * MINUTE) },
      ],
      items: [
        { sequence: 3, epoch: 1_700_000_000_000, raw: Buffer.from('{"v":3}').toString('base64') },
        { sequence: 2, raw: Buffer.from([0xff, 0xfe]).toString('base64') },
        { sequence: 1, reason: 'bad_value', field: 'v', message: 'wrong 1', bytes: 7 },
      ],
      next_cursor: null,
    })
  })

  test('are found by reason, and come page by page', async () => {
    const first = await api.get('/v1/dead-letters?reason=bad_value&limit=1')
    expect(first.body).toMatchObject({ items: [{ sequence: 3 }] })
    const { next_cursor } = first.body as List
    const second = await api.get(`/v1/dead-letters?reason=bad_value&limit=1&cursor=${next_cursor}`)
    expect(second.body).toMatchObject({ items: [{ sequence: 1 }], next_cursor: null })
  })
})

describe('the status', () => {
  test('says how much is stored, how new it is, and who reports', async () => {
    const { body } = await api.get('/v1/status')
    expect(body).toMatchObject({
      now: iso(NOW),
      stored: { raw: 7, minutes: 7, hours: 7, networks: 2, dead_letters: 3 },
      latest_decided_at: iso(NOW - MINUTE),
      latest_received_at: iso(NOW - MINUTE),
      agents: [
        {
          agent: 'edge-2',
          last_seen: iso(NOW - MINUTE),
          runs: 1,
          batches: 1,
          accepted: 10,
          handshakes: 9,
          rejected: 1,
        },
        { agent: 'edge-1', last_seen: iso(NOW - 8 * MINUTE), runs: 2, batches: 2, accepted: 20 },
      ],
    })
  })
})
