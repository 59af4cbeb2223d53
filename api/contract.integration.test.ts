import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSilenceTable } from '../alerts/silence-table.ts'
import { createToken, type StoredToken } from '../core/runtime/tokens.ts'
import { encodeBatches, encodeDeadLetters, encodeHandshakes } from '../core/store/tables.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { dateTime } from './queries/causes.ts'
import { ROUTES } from './routes/index.ts'
import { alertRow, attemptRow, notificationRow } from './testing/alerts.ts'
import { handshake } from './testing/handshakes.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'
import { silenceFor } from './testing/silences.ts'
import { DAY, floorTo, HOUR, MINUTE } from './window.ts'

const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([
    encodeHandshakes([
      ...Array.from({ length: 60 }, () => handshake({ decided_at: NOW - 2 * DAY })),
      handshake({ decided_at: NOW - MINUTE }),
      handshake({ decided_at: NOW - MINUTE, outcome: 'failed' }),
      handshake({ decided_at: NOW - MINUTE, asn: 0, network: '', lookup: 'unknown' }),
    ]),
    encodeDeadLetters([
      {
        received_at: NOW - MINUTE,
        agent: 'edge-1',
        epoch: 1,
        sequence: 1,
        line: 1,
        bus_partition: 0,
        bus_offset: 0,
        reason: 'not_json',
        field: '',
        message: 'not JSON',
        bytes: 1,
        raw: Buffer.from('x'),
      },
    ]),
    encodeBatches([
      {
        received_at: NOW - MINUTE,
        agent: 'edge-1',
        epoch: 1,
        sequence: 1,
        bus_partition: 0,
        bus_offset: 0,
        accepted: 3,
        handshakes: 3,
        rejected: 1,
      },
    ]),
  ])
  const incident = openIncident({
    opened_at: NOW / 1_000 - 60,
    onset: NOW / 1_000 - 300,
    members: ['AS64501'],
  })
  await createIncidentTable(opened.store, createChangeTable(opened.store)).write([incident])
  await opened.store.insert('alerts', [alertRow({ fired_at: NOW / 1_000 - 60 })])
  await opened.store.insert('notifications', [notificationRow({ created_at: NOW - MINUTE })])
  await opened.store.insert('notification_attempts', [attemptRow({ at: NOW - MINUTE })])
  await opened.store.insert('evaluation_errors', [
    { at: dateTime(NOW - MINUTE), minute: NOW / 1_000 - 60, rule: '', error: 'the store cannot answer now' },
  ])
  await createSilenceTable(opened.store).write(
    silenceFor(NOW - MINUTE, {
      rules: ['any-network-diverges'],
      severities: ['critical'],
      labels: ['Office'],
      prefixes: ['192.0.2.0/24'],
      sites: ['fra'],
    }),
  )
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

type Operation = {
  parameters?: { name: string; in: string; required: boolean; description?: string }[]
  responses: Record<string, unknown>
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}
async function readDocument(): Promise<Document> {
  return (await api.get('/v1/openapi.json')).body as Document
}

const real = (path: string) =>
  path
    .replace(':asn', 'AS64500')
    .replace('/rules/:id', '/rules/any-network-diverges')
    .replace(':id', 'incident')
/** Nothing is wrong with what is there. */
const MAY_BE_EMPTY = ['mistakes', 'file_mistakes']
const GETS = ROUTES.filter(({ method }) => method === 'get')
const EVENTS = ['/v1/divergences/events', '/v1/alerts/events']
/** What is served beside the routes. */
const BESIDE = [...EVENTS, '/v1/rules/backtest', '/v1/rules/schema', '/v1/openapi.json']

describe('answers and the OpenAPI document', () => {
  test.each(GETS.map((route) => [route.path, route] as const))(
    '%s answers what its schema says, and nothing else',
    async (_path, route) => {
      const { status, headers, body } = await api.get(real(route.path))
      expect(status, JSON.stringify(body)).toBe(200)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(route.answer.safeParse(body).error).toBeUndefined()
      // An answer without items would prove little.
      for (const [name, value] of Object.entries(body as Record<string, unknown>)) {
        if (Array.isArray(value) && !MAY_BE_EMPTY.includes(name)) expect(value, name).not.toHaveLength(0)
      }
    },
  )

  test('name the same routes and the same parameters', async () => {
    const { paths, openapi } = await readDocument()
    expect(openapi).toBe('3.1.0')
    const described = Object.keys(paths).sort()
    const served = [...new Set(ROUTES.map(({ path }) => path.replace(/:(\w+)/g, '{$1}')))]
    expect(described).toEqual([...served, ...BESIDE, '/v1/events'].sort())
    for (const route of ROUTES) {
      const operation = paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method]
      const names = operation?.parameters?.map(({ name }) => name)
      const conditions = (route.conditions ?? []).map(({ header }) => header)
      expect(names).toEqual([
        ...Object.keys(route.pathParameters.shape),
        ...Object.keys(route.query.shape),
        ...conditions,
      ])
    }
  })

  test('refer only to schemas that are there, and every parameter says what it is', async () => {
    const document = await readDocument()
    const text = JSON.stringify(document)
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(document.components.schemas).toHaveProperty(name)
    }
    expect(text).not.toContain('#/$defs')
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
    for (const { parameters = [] } of operations) {
      for (const { name, description } of parameters) expect(description, name).toBeTruthy()
    }
  })

  test('show the default and the bounds of a parameter', async () => {
    const { paths } = await readDocument()
    const limit = paths['/v1/networks']?.['get']?.parameters?.find(({ name }) => name === 'limit')
    expect(limit).toMatchObject({
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    })
  })
})

describe('mistakes in a request', () => {
  test('come back all at once, with what is allowed and the nearest name', async () => {
    const { status, headers, body } = await api.get(
      '/v1/networks?limit=0&sort=asn&order=up&min_sucess_rate=0.5&from=yesterday&asn=64500,x',
    )
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    const { errors } = body as { errors: { parameter: string; message: string; allowed: string }[] }
    expect(errors).toHaveLength(5)
    expect(errors).toEqual(
      expect.arrayContaining([
        { parameter: 'limit', message: 'limit is "0"', allowed: 'a whole number from 1 to 200' },
        { parameter: 'order', message: 'order is "up"', allowed: 'one of asc, desc' },
        {
          parameter: 'min_sucess_rate',
          message: 'there is no parameter "min_sucess_rate"',
          allowed: 'did you mean min_success_rate?',
        },
        { parameter: 'from', message: 'from is "yesterday"', allowed: expect.stringContaining('-1h') },
        { parameter: 'asn', message: 'asn is "64500,x"', allowed: expect.stringContaining('AS64501') },
      ]),
    )
  })

  test.each([
    ['/v1/networks?site=a&site=b', 'site', 'site is given 2 times'],
    ['/v1/networks?from=-1h&to=-2h', 'from', /is not before to/],
    ['/v1/networks?from=2001-01-01', 'from', /days long/],
    ['/v1/networks?limit=', 'limit', 'limit is ""'],
    ['/v1/networks?limit=0x10', 'limit', 'limit is "0x10"'],
    ['/v1/networks?from=2026-01-01T10:00:00', 'from', /2026/],
    ['/v1/networks?search=%00', 'search', /search is/],
    ['/v1/connections?address=1.2.3', 'address', 'address is "1.2.3"'],
    ['/v1/connections?prefix=1.2.3.4', 'prefix', 'prefix is "1.2.3.4"'],
    ['/v1/causes?x=1', 'x', 'there is no parameter "x"'],
    ['/v1/networks/64500?asn=1', 'asn', 'there is no parameter "asn"'],
    ['/v1/networks?__proto__=1', '__proto__', /__proto__/],
  ])('%s', async (path, parameter, message) => {
    const { status, body } = await api.get(path)
    expect(status).toBe(400)
    expect(body).toMatchObject({
      type: '/problems/bad-parameters',
      errors: [
        { parameter, message: typeof message === 'string' ? message : expect.stringMatching(message) },
      ],
    })
  })

  test('a wrong method is told which are right', async () => {
    for (const route of ROUTES) {
      const { status, headers, body } = await api.get(real(route.path), { method: 'PATCH' })
      expect(status).toBe(405)
      const methods = ROUTES.filter(({ path }) => path === route.path).map(({ method }) => method)
      const allowed = methods.map((method) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()))
      expect(headers.get('allow')).toBe(allowed.join(', '))
      expect(body).toMatchObject({ type: '/problems/method-not-allowed' })
    }
    for (const path of BESIDE) expect((await api.get(path, { method: 'PUT' })).status).toBe(405)
    expect((await api.get('/v1/networks', { method: 'OPTIONS' })).headers.get('allow')).toBe('GET, HEAD')
    expect((await api.get('/v1/networks', { method: 'HEAD' })).status).toBe(200)
  })

  test('a path that does not exist is a problem too', async () => {
    const { status, body } = await api.get('/v1/network')
    expect(status).toBe(404)
    expect(body).toMatchObject({ type: '/problems/not-found' })
  })

  test('a path that cannot be read is the fault of the request', async () => {
    const { status, body } = await api.get('/v1/networks/%ff')
    expect([status, body]).toMatchObject([
      400,
      { type: '/problems/bad-path', detail: expect.stringContaining('%ff') },
    ])
  })
})

describe('tokens', () => {
  const make = (name: string, scopes: StoredToken['scopes']) => {
    const { token, hash } = createToken()
    return { token, stored: { name, hash, scopes } }
  }
  const reader = make('reader', ['read'])
  const agent = make('agent', ['ingest'])
  const admin = make('admin', ['admin'])

  test('open what their scope says: dead letters want admin, all else read, pages and document nothing', async () => {
    const guarded = await serveApi({
      store: opened.store,
      now: NOW,
      tokens: [reader.stored, agent.stored, admin.stored],
    })
    const status = async (path: string, token?: string) =>
      (await guarded.get(path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }))
        .status
    for (const { path } of GETS) {
      expect(await status(real(path))).toBe(401)
      expect(await status(real(path), 'hs_wrong')).toBe(401)
      expect(await status(real(path), agent.token)).toBe(403)
      expect(await status(real(path), reader.token)).toBe(path === '/v1/dead-letters' ? 403 : 200)
      expect(await status(real(path), admin.token)).toBe(200)
    }
    for (const path of ['/', '/docs', '/assets/styles/base.css', '/v1/openapi.json', '/v1/rules/schema'])
      expect(await status(path)).toBe(200)
    for (const path of EVENTS) {
      expect(await status(path)).toBe(401)
      expect(await status(path, agent.token)).toBe(403)
    }
    await guarded.close()
  })
})

describe('pages', () => {
  test('allow no script, style or request of another host, and nothing inline', async () => {
    for (const path of ['/', '/docs']) {
      const { status, headers, body } = await api.get(path)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(String(body)).not.toMatch(/<script>|<style|style="|\son\w+="|https?:\/\//)
      for (const [, asset = ''] of String(body).matchAll(/(?:src|href)="(\/(?:assets|favicon)[^"]*)"/g)) {
        expect((await api.get(asset)).status, asset).toBe(200)
      }
    }
    expect((await api.get('/assets/..%2Frouter.ts')).status).toBe(404)
  })
})

describe('scripts of the pages', () => {
  test('import only what is served', async () => {
    const missing: string[] = []
    const seen = new Set(['/assets/app.js', '/assets/docs/docs.js'])
    for (const path of seen) {
      const { status, body } = await api.get(path)
      if (status !== 200) missing.push(path)
      for (const [, name = ''] of String(body).matchAll(/from '(\.[^']+)'/g))
        seen.add(new URL(name, `http://here${path}`).pathname)
    }
    expect(missing).toEqual([])
    expect(seen.size).toBeGreaterThan(40)
  })

  test('are all named by their page, so that a browser asks for them at once', async () => {
    for (const [page, entry] of [
      ['/', '/assets/app.js'],
      ['/docs', '/assets/docs/docs.js'],
    ] as const) {
      const html = String((await api.get(page)).body)
      const named = [...html.matchAll(/<link rel="modulepreload" href="([^"]+)"/g)].map(
        ([, path = '']) => path,
      )
      const imported = new Set([entry as string])
      for (const path of imported) {
        const { body } = await api.get(path)
        for (const [, name = ''] of String(body).matchAll(/from '(\.[^']+)'/g))
          imported.add(new URL(name, `http://here${path}`).pathname)
      }
      expect(new Set([entry, ...named])).toEqual(imported)
    }
  })
})

describe('metrics', () => {
  test('count requests by route and status, not by path', async () => {
    const counted = await serveApi({ store: opened.store, now: NOW })
    await counted.get('/v1/networks/64500')
    await counted.get('/v1/networks/64511')
    const text = await counted.registry.metrics()
    await counted.close()
    expect(text).toContain('halfshake_api_requests_total{route="/v1/networks/:asn",status="200"} 1')
    expect(text).toContain('halfshake_api_requests_total{route="/v1/networks/:asn",status="404"} 1')
    expect(text).toContain('halfshake_api_request_seconds_count{route="/v1/networks/:asn"} 2')
  })
})

describe('a query that takes too long', () => {
  test('is ended by the engine and told as a problem', async () => {
    const slow = {
      insert: opened.store.insert,
      query: <Row>(sql: string) =>
        opened.store.query<Row>(
          sql.replace(
            /^[\s\S]*\nSETTINGS/,
            'SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1,',
          ),
        ),
    }
    const limited = await serveApi({
      store: slow,
      now: NOW,
      bounds: { running: 1, waiting: 1, seconds: 1, graceMs: 100_000 },
    })
    const { status, headers, body } = await limited.get('/v1/networks')
    await limited.close()
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('5')
    expect(body).toMatchObject({ type: '/problems/query-timeout' })
    // The limit was the query's alone: the engine's sessions keep their own.
    const settings = await opened.store.query<{ value: string }>(
      "SELECT value FROM system.settings WHERE name = 'max_execution_time'",
    )
    expect(settings).toEqual([{ value: '60' }])
  })
})
