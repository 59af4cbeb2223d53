import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { HandshakeRow } from '../core/store/handshake-row.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { networksRoute } from './routes/networks.ts'
import { type Given, handshake } from './testing/handshakes.ts'
import { openStore, serveApi } from './testing/server.ts'
import { DAY, floorTo, HOUR, iso, MINUTE } from './window.ts'

/** Half past two yesterday: the engine drops what its own clock calls old, so the day cannot be a fixed one. */
const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR

/** A population small enough to be counted by hand: network, when, how many of each outcome. */
type Crowd = {
  asn: number
  network: string
  label?: string
  ago: number
  completed?: number
  failed?: number
  noise?: number
  also?: Partial<Given>
}
const CROWDS: readonly Crowd[] = [
  // AS64500 was healthy for days and fails now.
  { asn: 64_500, network: 'Broken Net', ago: 3 * DAY, completed: 198, failed: 2 },
  { asn: 64_500, network: 'Broken Net', ago: 20 * MINUTE, completed: 30, failed: 70, noise: 5 },
  // AS64501 is healthy; an office in it has a label and always fails a little.
  { asn: 64_501, network: 'Large Net', ago: 2 * DAY, completed: 990, failed: 10 },
  { asn: 64_501, network: 'Large Net', ago: 10 * MINUTE, completed: 396, failed: 4, also: { site: 'ams' } },
  { asn: 64_501, network: 'Large Net', label: 'Office', ago: 10 * MINUTE, completed: 8, failed: 2 },
  // Too little past to make a baseline of.
  { asn: 64_502, network: 'New Net', ago: 5 * HOUR, completed: 10 },
  { asn: 64_502, network: 'New Net', ago: 5 * MINUTE, completed: 20, also: { ip_version: 6 } },
  // Scanners only.
  { asn: 64_503, network: 'Scan Net', ago: 15 * MINUTE, noise: 50 },
  // Not in the last hour.
  { asn: 64_504, network: 'Quiet Net', ago: 2 * HOUR, completed: 7 },
]

function rowsOf({
  asn,
  network,
  label = '',
  ago,
  completed = 0,
  failed = 0,
  noise = 0,
  also,
}: Crowd): HandshakeRow[] {
  const make = (count: number, more: Partial<Given>) =>
    Array.from({ length: count }, (_, i) =>
      handshake({
        asn,
        network,
        label,
        source: `10.${asn % 256}.0.${i % 250}`,
        decided_at: NOW - ago,
        ...more,
        ...also,
      }),
    )
  return [
    ...make(completed, {}),
    ...make(failed, { outcome: 'failed' }),
    ...make(noise, { outcome: 'noise', stage: 'connected', cause: 'silent' }),
  ]
}

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([encodeHandshakes(CROWDS.flatMap(rowsOf))])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

const answerSchema = networksRoute.answer as z.ZodType<{
  window: { from: string; to: string; rollup: string }
  items: (Record<string, unknown> & { asn: number; label: string })[]
  next_cursor: string | null
}>

async function list(query: string) {
  const { status, body } = await api.get(`/v1/networks${query}`)
  expect(body).toMatchObject({})
  expect(status, JSON.stringify(body)).toBe(200)
  return answerSchema.parse(body)
}

/** The same moment with an offset of an hour. */
function inParis(at: number): string {
  return `${iso(at + HOUR).slice(0, 19)}+01:00`
}

const names = (items: readonly { asn: number; label: string }[]) =>
  items.map(({ asn, label }) => (label === '' ? `${asn}` : `${asn} ${label}`))

describe('the list of networks', () => {
  test('has every network of the last hour, the busiest first, with counts, own past and the rest of the world', async () => {
    const { items, window } = await list('')
    expect(window).toEqual({
      from: iso(NOW - HOUR),
      to: iso(NOW),
      rollup: 'minutes',
    })
    expect(names(items)).toEqual(['64501', '64500', '64503', '64502', '64501 Office'])
    const broken = items.find(({ asn }) => asn === 64_500)
    // The others of the last hour: 396 + 8 + 20 completed, 4 + 2 failed.
    const world = 424 / 430
    expect(broken).toMatchObject({
      network: 'Broken Net',
      handshakes: 105,
      completed: 30,
      failed: 70,
      noise: 5,
      unknown: 0,
      success_rate: 0.3,
      baseline_success_rate: 0.99,
      baseline_handshakes: 200,
      dominant_cause: { cause: 'mtu_inbound', share: 1 },
      handshake_ms: { p50: 50, p95: 50 },
      clients: 70,
      failed_clients: 70,
    })
    expect(broken?.['world_success_rate']).toBeCloseTo(world, 12)
    expect(broken?.['divergence']).toBeCloseTo(world - 0.3, 12)
    expect(broken?.['excess_failures']).toBeCloseTo(70 - (1 - world) * 100, 9)
  })

  test('has no rate for a network of scanners and no baseline for one with too little past', async () => {
    const { items } = await list('')
    expect(items.find(({ asn }) => asn === 64_503)).toMatchObject({
      success_rate: null,
      divergence: null,
      excess_failures: null,
      dominant_cause: null,
      handshake_ms: { p50: null, p95: null },
    })
    const young = items.find(({ asn }) => asn === 64_502)
    expect(young).toMatchObject({ baseline_success_rate: null, baseline_handshakes: 10 })
    // Without a past of its own it is compared to the rest of the world alone.
    expect(young?.['divergence']).toBeCloseTo(434 / 510 - 1, 12)
  })

  test.each([
    ['?sort=divergence', ['64500', '64501 Office', '64502', '64501', '64503']],
    ['?sort=excess_failures', ['64500', '64501 Office', '64502', '64501', '64503']],
    ['?sort=success_rate&order=asc', ['64500', '64501 Office', '64501', '64502', '64503']],
    ['?sort=failed', ['64500', '64501', '64501 Office', '64502', '64503']],
    ['?sort=asn&order=asc', ['64500', '64501', '64501 Office', '64502', '64503']],
    ['?asn=AS64501', ['64501', '64501 Office']],
    ['?asn=64500,64502', ['64500', '64502']],
    ['?label=Office', ['64501 Office']],
    ['?asn=64501&label=', ['64501']],
    ['?search=large', ['64501', '64501 Office']],
    ['?search=offi', ['64501 Office']],
    ['?search=as6450', ['64501', '64500', '64503', '64502', '64501 Office']],
    ['?search=64503', ['64503']],
    ['?max_success_rate=0.9', ['64500', '64501 Office']],
    ['?min_success_rate=1', ['64502']],
    ['?min_handshakes=100', ['64501', '64500']],
    ['?min_outcome_share=0.2', ['64500', '64501 Office']],
    ['?outcome=noise&min_outcome_share=0.5', ['64503']],
    ['?outcome=noise&max_outcome_share=0', ['64501', '64502', '64501 Office']],
    ['?site=ams', ['64501']],
    ['?ip_version=6', ['64502']],
    ['?from=-3h', ['64501', '64500', '64503', '64502', '64501 Office', '64504']],
    ['?from=-1d', ['64501', '64500', '64503', '64502', '64501 Office', '64504']],
    [`?from=${iso(NOW - 2 * HOUR)}&to=${iso(NOW - 2 * HOUR + MINUTE)}`, ['64504']],
    [`?from=${NOW - 2 * HOUR}&to=${NOW - 2 * HOUR + MINUTE}`, ['64504']],
    [
      `?from=${inParis(NOW - 2 * HOUR)}&to=${inParis(NOW - 2 * HOUR + MINUTE).replace('+', '%2B')}`,
      ['64504'],
    ],
    ['?search=nobody', []],
    ['?search=10.244.0.', ['64500']],
    ['?search=10.245.0.17', ['64501', '64501 Office']],
    ['?search=10.244.0.0/15', ['64501', '64500', '64501 Office']],
    ['?search=10.246.0.0/24', ['64502']],
    ['?search=10.244.9.1', []],
  ])('%s', async (query, expected) => {
    const { items } = await list(query)
    expect(names(items)).toEqual(expected)
  })

  test('has the rate step by step, where it is asked for', async () => {
    const trendOf = async (query: string) => {
      const { items } = await list(`?asn=64500${query}`)
      return items[0]?.['trend']
    }
    expect(await trendOf('')).toBeNull()
    // Twenty minutes ago is in the fifth of six steps of ten minutes, and of seven of nine.
    expect(await trendOf('&trend=6')).toEqual([null, null, null, null, 0.3, null])
    expect(await trendOf('&trend=7')).toEqual([null, null, null, null, 0.3, null, null])
    expect(await trendOf('&trend=100')).toHaveLength(60)
    const days = (await trendOf('&from=-4d&trend=4')) as (number | null)[]
    expect(days.filter((rate) => rate !== null)).toEqual([0.99, 0.3])
  })

  test('has the same counts whether minutes or hours are read, for any window', async () => {
    for (const [from, to] of [
      [-26 * HOUR, 0],
      [-3 * DAY, -19 * MINUTE],
      [-5 * HOUR, -12 * MINUTE],
      [-3 * DAY + MINUTE, -5 * MINUTE],
    ] as const) {
      const { items, window } = await list(`?from=${NOW + from}&to=${NOW + to}`)
      expect(window.rollup).toBe('hours')
      const inside = CROWDS.filter(({ ago }) => -ago >= from && -ago < to)
      const expected = inside.reduce(
        (sum, { completed = 0, failed = 0, noise = 0 }) => sum + completed + failed + noise,
        0,
      )
      expect(items.reduce((sum, item) => sum + Number(item['handshakes']), 0)).toBe(expected)
    }
  })

  test('says which failures a site has beside the same site elsewhere', async () => {
    const { items } = await list('?site=ams')
    expect(items[0]).toMatchObject({
      completed: 396,
      failed: 4,
      world_success_rate: null,
      baseline_handshakes: 0,
    })
  })
})

describe('pages of the list', () => {
  test.each(['handshakes', 'noise', 'success_rate', 'divergence'])(
    'by %s, one at a time, give every network once in the same order',
    async (sort) => {
      for (const order of ['asc', 'desc']) {
        const query = `?sort=${sort}&order=${order}`
        const whole = await list(query)
        expect(whole.next_cursor).toBeNull()
        const paged: string[] = []
        let cursor: string | null = null
        do {
          const page = await list(`${query}&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`)
          paged.push(...names(page.items))
          cursor = page.next_cursor
        } while (cursor !== null)
        expect(paged).toEqual(names(whole.items))
      }
    },
  )

  test('keep the window of the first page while time goes on', async () => {
    const first = await list('?limit=1')
    const later = await serveApi({ store: opened.store, now: NOW + 30 * MINUTE })
    const { body } = await later.get(`/v1/networks?limit=200&cursor=${first.next_cursor}`)
    await later.close()
    const rest = answerSchema.parse(body)
    expect(rest.window).toEqual(first.window)
    expect(rest.items).toHaveLength(4)
  })

  test('refuse a cursor of another query', async () => {
    const { next_cursor } = await list('?limit=1')
    const { status, body } = await api.get(`/v1/networks?limit=1&sort=failed&cursor=${next_cursor}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({
      errors: [{ parameter: 'cursor', message: 'cursor belongs to another query' }],
    })
  })

  test.each([
    'x',
    '%00',
    'e30',
    Buffer.from('{"q":"","f":0,"t":0,"a":["1; DROP",1,""]}').toString('base64url'),
  ])('refuse %s, which is no cursor', async (cursor) => {
    const { status, body } = await api.get(`/v1/networks?cursor=${cursor}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ type: '/problems/bad-parameters' })
  })
})
