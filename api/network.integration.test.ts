import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import type { Incident } from '../detector/incident.ts'
import { handshake } from './testing/handshakes.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'
import { DAY, floorTo, HOUR, iso, MINUTE } from './window.ts'

const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR
const ASN = 64_500

const repeat = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

/** One network: 300 good handshakes two days ago; in the last hour 60 good ones and 40 bad ones in two prefixes. */
const ROWS = [
  ...repeat(300, (i) => handshake({ decided_at: NOW - 2 * DAY, source: `10.0.0.${i % 100}` })),
  ...repeat(40, (i) =>
    handshake({
      decided_at: NOW - 50 * MINUTE,
      source: `10.0.0.${i}`,
      hello_bytes: 517,
      hello_post_quantum: 'no',
      handshake_ms: 20,
    }),
  ),
  ...repeat(20, (i) =>
    handshake({
      decided_at: NOW - 30 * MINUTE,
      source: `10.0.1.${i}`,
      hello_bytes: 1_750,
      hello_post_quantum: 'yes',
      handshake_ms: 200,
      label: 'Office',
      site: 'ams',
    }),
  ),
  ...repeat(30, (i) =>
    handshake({
      decided_at: NOW - 20 * MINUTE + i,
      source: `10.0.2.${i % 10}`,
      outcome: 'failed',
      hello_bytes: 1_750,
      hello_post_quantum: 'yes',
      evidence: `segment ${i}`,
      id: `mtu-${i}`,
    }),
  ),
  ...repeat(10, (i) =>
    handshake({
      // Five clients, each in two minutes.
      decided_at: NOW - 10 * MINUTE + (i < 5 ? 0 : MINUTE),
      source: `10.0.0.${i % 5}`,
      outcome: 'failed',
      cause: 'client_rejected',
      stage: 'server_flight',
      confidence: 'certain',
      evidence: 'alert 48 unknown_ca',
      ended_by: 'alert',
      alert: 48,
      alert_side: 'client',
      hello_bytes: 517,
      hello_post_quantum: 'no',
    }),
  ),
  ...repeat(5, () =>
    handshake({ decided_at: NOW - 5 * MINUTE, outcome: 'noise', stage: 'connected', cause: 'silent' }),
  ),
  // The rest of the world.
  ...repeat(99, () => handshake({ asn: 64_501, network: 'Other', decided_at: NOW - 20 * MINUTE })),
  handshake({ asn: 64_501, network: 'Other', decided_at: NOW - 20 * MINUTE, outcome: 'failed' }),
  // A network that was quiet lately: forty minutes of ten handshakes, of which one failed in four of them.
  ...repeat(400, (i) =>
    handshake({
      asn: 64_502,
      decided_at: NOW - 2 * DAY + Math.floor(i / 10) * MINUTE,
      outcome: i % 10 === 0 && i < 40 ? 'failed' : 'completed',
    }),
  ),
]

const INCIDENTS: Incident[] = [
  openIncident({ id: 'a', asn: ASN, onset: NOW / 1_000 - 1_200, opened_at: NOW / 1_000 - 900 }),
  openIncident({ id: 'b', asn: 64_501, opened_at: NOW / 1_000 - 600, onset: NOW / 1_000 - 660 }),
]

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([encodeHandshakes(ROWS)])
  await opened.store.insert('incidents', INCIDENTS)
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

async function ok(path: string): Promise<unknown> {
  const { status, body } = await api.get(path)
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

describe('one network', () => {
  test('has its totals, its past, the rest of the world and its open incident', async () => {
    expect(await ok('/v1/networks/AS64500')).toMatchObject({
      asn: ASN,
      network: 'Example Net',
      label: null,
      labels: [
        { label: '', handshakes: 385 },
        { label: 'Office', handshakes: 20 },
      ],
      first_seen: iso(floorTo(NOW - 2 * DAY, HOUR)),
      last_seen: iso(floorTo(NOW, HOUR)),
      handshakes: 105,
      completed: 60,
      failed: 40,
      noise: 5,
      success_rate: 0.6,
      baseline_success_rate: 1,
      baseline_handshakes: 300,
      world_success_rate: 0.99,
      clients: 70,
      failed_clients: 15,
      incidents: [{ id: 'a', state: 'open', closed_at: null, onset: iso(NOW - 1_200_000) }],
    })
  })

  test('shows how far handshakes come, and that large and post-quantum hellos do worse', async () => {
    expect(await ok('/v1/networks/64500')).toMatchObject({
      stages: [
        { stage: 'syn', reached: 100, failed: 0 },
        { stage: 'connected', reached: 100, failed: 0 },
        { stage: 'hello_partial', reached: 100, failed: 30 },
        { stage: 'hello', reached: 70, failed: 0 },
        { stage: 'server_flight', reached: 70, failed: 10 },
        { stage: 'completed', reached: 60, failed: 0 },
      ],
      hello_sizes: [
        { hello_size: 'to_1200', completed: 40, failed: 10, success_rate: 0.8 },
        { hello_size: 'larger', completed: 20, failed: 30, success_rate: 0.4 },
      ],
      post_quantum: [
        { hello_post_quantum: 'no', completed: 40, failed: 10, success_rate: 0.8 },
        { hello_post_quantum: 'yes', completed: 20, failed: 30, success_rate: 0.4 },
      ],
      sites: [
        { site: 'fra', completed: 40, failed: 40 },
        { site: 'ams', completed: 20, failed: 0 },
      ],
      ip_versions: [{ ip_version: 4, completed: 60, failed: 40, success_rate: 0.6 }],
    })
  })

  test('can be asked for the part with a label, or the part without', async () => {
    expect(await ok('/v1/networks/64500?label=Office')).toMatchObject({
      label: 'Office',
      handshakes: 20,
      failed: 0,
    })
    expect(await ok('/v1/networks/64500?label=')).toMatchObject({ label: '', handshakes: 85, completed: 40 })
  })

  test('that is silent in the window has zeros, no rate, and no longer a reason to be missing', async () => {
    expect(await ok('/v1/networks/64500?from=-5h&to=-4h')).toMatchObject({
      handshakes: 0,
      success_rate: null,
      clients: 0,
      handshake_ms: { p50: null, p95: null },
    })
  })

  test.each(['', '/timeseries', '/prefixes', '/causes'])(
    'that was never seen is not found%s',
    async (below) => {
      const { status, body } = await api.get(`/v1/networks/AS4200000000${below}`)
      expect(status).toBe(404)
      expect(body).toMatchObject({
        type: '/problems/network-not-seen',
        detail: expect.stringContaining('AS4200000000'),
      })
      expect((await api.get(`/v1/networks/64500${below}?label=Nowhere`)).status).toBe(404)
    },
  )

  test.each(['', '/timeseries', '/prefixes', '/causes'])('that is no network is refused%s', async (below) => {
    for (const asn of ['AS', '-1', '4294967296', '64500;', '1e3', '%27']) {
      const { status, body } = await api.get(`/v1/networks/${asn}${below}`)
      expect(status).toBe(400)
      expect(body).toMatchObject({ errors: [{ parameter: 'asn' }] })
    }
  })
})

describe('the list of networks', () => {
  test.each([
    ['mtu_inbound', [64_500, 64_501]],
    // Ten of forty failures have this one: it is not what the network mostly fails of.
    ['client_rejected', []],
  ])('can be narrowed down to those that mostly fail with %s', async (cause, expected) => {
    const { items } = (await ok(`/v1/networks?cause=${cause}&label=`)) as { items: { asn: number }[] }
    expect(items.map(({ asn }) => asn).sort()).toEqual(expected)
  })

  test('refuses a cause that no failure has', async () => {
    const { status, body } = await api.get('/v1/networks?cause=silent')
    expect(status).toBe(400)
    expect(body).toMatchObject({ detail: expect.stringMatching(/^cause is "silent": one of mtu_inbound, /) })
  })
})

describe('the time series of a network', () => {
  type Series = {
    step: string
    points: { at: string; handshakes: number; completed: number; failed: number }[]
  }

  test('has every minute of the window, with zeros where nothing happened', async () => {
    const { step, points } = (await ok('/v1/networks/64500/timeseries')) as Series
    expect(step).toBe('minute')
    expect(points).toHaveLength(60)
    expect(points[0]).toMatchObject({ at: iso(NOW - HOUR), handshakes: 0, success_rate: null, clients: 0 })
    expect(points.find(({ at }) => at === iso(NOW - 20 * MINUTE))).toMatchObject({
      completed: 0,
      failed: 30,
      success_rate: 0,
      world_success_rate: 0.99,
      clients: 10,
      failed_clients: 10,
    })
    expect(points.find(({ at }) => at === iso(NOW - 30 * MINUTE))).toMatchObject({
      success_rate: 1,
      world_success_rate: null,
      handshake_ms: { p50: 200, p95: 200 },
    })
  })

  test.each([
    ['5m', '', 12],
    ['hour', '&from=-26h', 27],
    ['day', '&from=-3d', 4],
  ])('by %s adds up to the same', async (step, window, length) => {
    const series = (await ok(`/v1/networks/64500/timeseries?step=${step}${window}`)) as Series
    expect(series.points).toHaveLength(length)
    const recent = series.points.filter(({ at }) => Date.parse(at) >= NOW - DAY)
    expect(recent.reduce((sum, { failed }) => sum + failed, 0)).toBe(40)
  })

  test.each([
    ['-1h', 'minute'],
    ['-12h', '5m'],
    ['-7d', 'hour'],
    ['-60d', 'day'],
  ])('from %s is told by %s', async (from, step) => {
    expect(await ok(`/v1/networks/64500/timeseries?from=${from}`)).toMatchObject({ step })
  })

  test('refuses more points than it gives, and names the steps that fit', async () => {
    const { status, body } = await api.get('/v1/networks/64500/timeseries?from=-7d&step=minute')
    expect(status).toBe(400)
    expect(body).toMatchObject({
      errors: [
        {
          parameter: 'step',
          message: 'the window has 10080 steps of a minute',
          allowed: 'one of hour, day for this window',
        },
      ],
    })
  })

  test('says between which rates nine of ten steps of its past lay, where there were enough', async () => {
    const band = async (path: string) =>
      ((await ok(`/v1/networks/${path}`)) as { baseline_band: unknown }).baseline_band
    expect(await band('64502/timeseries')).toEqual({ low: 0.9, high: 1, steps: 40 })
    expect(await band('64502/timeseries?compare=none')).toBeNull()
    // In steps of five minutes there were eight, and of the other network only one minute is stored.
    expect(await band('64502/timeseries?from=-3h&step=5m')).toBeNull()
    expect(await band('64500/timeseries')).toBeNull()
  })

  test('leaves the rest of the world out when told to', async () => {
    const { points } = (await ok('/v1/networks/64500/timeseries?compare=none')) as Series
    expect(points.find(({ at }) => at === iso(NOW - 20 * MINUTE))).toMatchObject({ world_success_rate: null })
  })
})

describe('the prefixes of a network', () => {
  test('stand with the most failures first, each with its share, clients and cause', async () => {
    expect(await ok('/v1/networks/64500/prefixes')).toMatchObject({
      items: [
        {
          prefix: '10.0.2.0/24',
          ip_version: 4,
          handshakes: 30,
          failed: 30,
          success_rate: 0,
          failed_share: 0.75,
          failed_clients: 10,
          dominant_cause: { cause: 'mtu_inbound', share: 1 },
        },
        {
          prefix: '10.0.0.0/24',
          completed: 40,
          failed: 10,
          success_rate: 0.8,
          failed_share: 0.25,
          failed_clients: 5,
        },
        { prefix: '10.0.1.0/24', label: 'Office', failed: 0, dominant_cause: null },
        { prefix: '192.0.2.0/24', noise: 5, success_rate: null },
      ],
      next_cursor: null,
    })
  })

  test.each(['failed', 'success_rate', 'handshakes'])('come page by page, sorted by %s', async (sort) => {
    type Page = { items: { prefix: string }[]; next_cursor: string | null }
    for (const order of ['asc', 'desc']) {
      const path = `/v1/networks/64500/prefixes?sort=${sort}&order=${order}`
      const whole = ((await ok(path)) as Page).items.map(({ prefix }) => prefix)
      const paged: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page = (await ok(`${path}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)) as Page
        paged.push(...page.items.map(({ prefix }) => prefix))
        cursor = page.next_cursor
      }
      expect(paged).toEqual(whole)
      expect(whole).toHaveLength(4)
    }
  })
})

describe('the causes in a network', () => {
  test('have share, confidence, explanation and the latest handshake that shows them', async () => {
    expect(await ok('/v1/networks/64500/causes')).toMatchObject({
      outcome: 'failed',
      items: [
        {
          cause: 'mtu_inbound',
          title: expect.stringMatching(/MTU/),
          meaning: expect.stringMatching(/ICMP/),
          advice: expect.stringMatching(/MSS/),
          handshakes: 30,
          share: 0.75,
          clients: 10,
          first_seen: iso(NOW - 20 * MINUTE),
          last_seen: iso(NOW - 20 * MINUTE),
          confidence: { none: 0, possible: 0, likely: 30, certain: 0 },
          example: { id: 'mtu-29', decided_at: iso(NOW - 20 * MINUTE + 29), evidence: 'segment 29' },
        },
        { cause: 'client_rejected', share: 0.25, confidence: { certain: 10 } },
      ],
    })
  })

  test('of noise are asked for by outcome', async () => {
    expect(await ok('/v1/networks/64500/causes?outcome=noise')).toMatchObject({
      items: [{ cause: 'silent', handshakes: 5, share: 1 }],
    })
  })
})
