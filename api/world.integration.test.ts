import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshake } from './testing/handshakes.ts'
import { openStore, serveApi } from './testing/server.ts'
import { DAY, floorTo, HOUR, iso, MINUTE } from './window.ts'

/** Half past two yesterday: the engine drops what its own clock calls old, so the day cannot be a fixed one. */
const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR

const HANDSHAKES = [
  handshake({ decided_at: NOW - 3 * MINUTE }),
  handshake({ decided_at: NOW - 3 * MINUTE, asn: 64_501 }),
  handshake({ decided_at: NOW - 3 * MINUTE, outcome: 'failed' }),
  handshake({ decided_at: NOW - MINUTE, outcome: 'failed' }),
  handshake({ decided_at: NOW - MINUTE, outcome: 'failed', cause: 'client_closed' }),
  handshake({ decided_at: NOW - MINUTE, outcome: 'failed', asn: 64_501, cause: 'slow' }),
  handshake({ decided_at: NOW - MINUTE, outcome: 'noise', cause: 'silent', stage: 'connected' }),
]

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([encodeHandshakes(HANDSHAKES)])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

describe('all networks together', () => {
  test('are counted in all and step by step, with zeros where nothing happened', async () => {
    const { body } = await api.get('/v1/world?from=-4m&step=minute')
    expect(body).toMatchObject({
      step: 'minute',
      handshakes: 7,
      completed: 2,
      failed: 4,
      noise: 1,
      unknown: 0,
      success_rate: 2 / 6,
      points: [
        { at: iso(NOW - 4 * MINUTE), handshakes: 0, success_rate: null },
        { at: iso(NOW - 3 * MINUTE), completed: 2, failed: 1, noise: 0, success_rate: 2 / 3 },
        { at: iso(NOW - 2 * MINUTE), handshakes: 0, success_rate: null },
        { at: iso(NOW - MINUTE), completed: 0, failed: 3, noise: 1, success_rate: 0 },
      ],
    })
  })

  test('of a site that nobody came to are none', async () => {
    const { body } = await api.get('/v1/world?from=-2m&site=nowhere')
    expect(body).toMatchObject({ handshakes: 0, success_rate: null, points: [{}, {}] })
  })

  test('have at most 1,500 steps', async () => {
    const { status, body } = await api.get('/v1/world?from=-2d&step=minute')
    expect([status, body]).toMatchObject([400, { detail: expect.stringContaining('2880 steps') }])
  })
})

describe('causes of one network over time', () => {
  test('are counted step by step, the most frequent first', async () => {
    const { body } = await api.get('/v1/networks/64500/causes/timeseries?from=-3m&step=minute')
    expect(body).toMatchObject({
      asn: 64_500,
      outcome: 'failed',
      steps: [iso(NOW - 3 * MINUTE), iso(NOW - 2 * MINUTE), iso(NOW - MINUTE)],
      items: [
        { cause: 'mtu_inbound', handshakes: 2, points: [1, 0, 1] },
        { cause: 'client_closed', handshakes: 1, points: [0, 0, 1] },
      ],
    })
  })

  test('of another outcome are asked for by name', async () => {
    const { body } = await api.get('/v1/networks/64500/causes/timeseries?from=-3m&outcome=noise')
    expect(body).toMatchObject({ items: [{ cause: 'silent', handshakes: 1, points: [0, 0, 1] }] })
  })

  test('of a network that was never seen are a 404 problem', async () => {
    expect((await api.get('/v1/networks/64999/causes/timeseries')).status).toBe(404)
  })
})

describe('answers', () => {
  const path = '/v1/networks/64500/timeseries'

  test('are gzipped for those who say that they unpack it, and for nobody else', async () => {
    const zipped = await raw(path, { 'accept-encoding': 'gzip' })
    const plain = await raw(path, {})
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(gunzipSync(zipped.body)).toEqual(plain.body)
    expect(zipped.body.length * 4).toBeLessThan(plain.body.length)
    for (const { headers } of [zipped, plain]) expect(headers['vary']).toBe('Accept-Encoding')
  })

  test('that fit into a packet are left as they are', async () => {
    const { headers } = await raw('/v1/networks/64500/causes/timeseries?from=-3m', {
      'accept-encoding': 'gzip',
    })
    expect(headers['content-encoding']).toBeUndefined()
  })

  test('of the pages are not sent again to who has them', async () => {
    const { headers } = await raw('/assets/uplot.js', { 'accept-encoding': 'gzip' })
    const again = await raw('/assets/uplot.js', {
      'accept-encoding': 'gzip',
      'if-none-match': String(headers['etag']),
    })
    expect([again.status, again.body.length]).toEqual([304, 0])
  })
})

/** An answer as it comes over the wire: fetch would unpack it. */
function raw(path: string, headers: Record<string, string>) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      request(api.url + path, { headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) })
      })
        .on('error', reject)
        .end()
    },
  )
}
