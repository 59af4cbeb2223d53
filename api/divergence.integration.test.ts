import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createToken, type StoredToken } from '../core/runtime/tokens.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createDetectorLoop } from '../detector/loop.ts'
import { createOrderTable } from '../detector/order-table.ts'
import { createMinuteReader } from '../detector/read-minutes.ts'
import { handshake } from './testing/handshakes.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'
import { DAY, floorTo, HOUR, iso, MINUTE } from './window.ts'

const NOW = floorTo(Date.now(), DAY) - DAY + 14.5 * HOUR
const ONSET = NOW - 30 * MINUTE
const seconds = (ms: number) => ms / 1_000
const SUBJECT = { asn: 64_500, label: '', onset: seconds(ONSET) }

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  opened = await openStore()
  await opened.store.write([
    encodeHandshakes([
      handshake({ decided_at: ONSET - 2 * HOUR }),
      handshake({ decided_at: ONSET - 2 * HOUR - 1 }),
      // In the onset: one client completes, one fails three times, one of the office fails, one is noise.
      handshake({ decided_at: ONSET, source: '192.0.2.1' }),
      ...[0, 1, 2].map(() => handshake({ decided_at: ONSET + 1, source: '192.0.2.2', outcome: 'failed' })),
      handshake({ decided_at: ONSET, source: '192.0.2.3', outcome: 'failed', label: 'Office' }),
      handshake({ decided_at: ONSET, source: '192.0.2.4', outcome: 'noise' }),
      handshake({ decided_at: ONSET, source: '198.51.100.9', outcome: 'failed', site: 'ams' }),
      // The same client a minute later, and another network.
      handshake({ decided_at: ONSET + MINUTE, source: '192.0.2.2', outcome: 'failed' }),
      handshake({ decided_at: ONSET + MINUTE, source: '203.0.113.1', asn: 64_501 }),
    ]),
  ])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})
beforeEach(async () => {
  for (const table of ['incidents', 'incident_orders', 'incident_changes'])
    await opened.store.command(`TRUNCATE TABLE ${table}`)
})

const write = (...incidents: Partial<Incident>[]) =>
  createIncidentTable(opened.store, createChangeTable(opened.store)).write(
    incidents.map((given) => openIncident({ ...SUBJECT, ...given })),
  )
const take = (minute: number) =>
  createOrderTable(opened.store, createChangeTable(opened.store)).take(seconds(minute))

type Point = Record<
  'at' | 'completed' | 'failed' | 'clients' | 'failed_clients' | 'failure_rate' | 'expected_rate',
  unknown
>
type Shown = {
  series: { from: string; to: string; step: string; points: Point[] }
  history: Record<string, unknown>[]
  history_left_out: number
  acknowledgement: unknown
  closing: unknown
}
async function read(id = 'incident', at: { now?: number } = {}): Promise<Shown & Incident> {
  const served = at.now === undefined ? api : await serveApi({ store: opened.store, now: at.now })
  const { status, body } = await served.get(`/v1/divergences/${encodeURIComponent(id)}`)
  if (served !== api) await served.close()
  expect(status, JSON.stringify(body)).toBe(200)
  return body as Shown & Incident
}
const pointAt = ({ series }: Shown, at: number) => series.points.find((point) => point.at === iso(at))

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return api.get(`/v1/divergences/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

describe('one incident', () => {
  test('has every field of the list', async () => {
    await write({})
    const { body } = await api.get('/v1/divergences')
    const { series, history, history_left_out, closing, ...rest } = await read()
    expect(rest).toEqual((body as { items: unknown[] }).items[0])
    expect({ acknowledgement: rest.acknowledgement, closing, history_left_out }).toEqual({
      acknowledgement: null,
      closing: null,
      history_left_out: 0,
    })
  })

  test('of an unknown id is a problem that names it', async () => {
    for (const path of ['nobody', 'nobody/acknowledge', 'nobody/close']) {
      const { status, body } = path.includes('/')
        ? await post(path, bodyFor(path))
        : await api.get(`/v1/divergences/${path}`)
      expect([status, body]).toMatchObject([
        404,
        { type: '/problems/incident-unknown', detail: expect.stringContaining('"nobody"') },
      ])
    }
  })

  test('counts one per client and minute, in its network alone, from two hours before the onset until now', async () => {
    await write({})
    const shown = await read()
    expect(shown.series).toMatchObject({ from: iso(ONSET - 2 * HOUR), to: iso(NOW), step: 'minute' })
    expect(shown.series.points).toHaveLength(150)
    expect(pointAt(shown, ONSET - 2 * HOUR)).toMatchObject({ completed: 1, failure_rate: 0 })
    expect(pointAt(shown, ONSET)).toEqual({
      at: iso(ONSET),
      completed: 1,
      failed: 4,
      clients: 3,
      failed_clients: 2,
      failure_rate: 2 / 3,
      expected_rate: 0.006,
    })
    expect(pointAt(shown, ONSET + MINUTE)).toMatchObject({ completed: 0, failed: 1, failure_rate: 1 })
    expect(pointAt(shown, ONSET + 2 * MINUTE)).toMatchObject({
      completed: 0,
      failed: 0,
      clients: 0,
      failure_rate: null,
    })
  })

  test.each([
    ['prefix', { prefix: '198.51.100.0/24' }, { failed: 1, clients: 1, failure_rate: 1 }],
    ['network', { label: 'Office' }, { failed: 1, clients: 1, failure_rate: 1 }],
    ['site', { asn: 0, site: 'ams' }, { completed: 0, failed: 1, clients: null, failure_rate: 1 }],
    ['world', { asn: 0 }, { completed: 1, failed: 5, clients: null, failure_rate: 5 / 6 }],
  ] as const)('of scope %s shows that %j', async (scope, given, expected) => {
    await write({ scope, ...given })
    expect(pointAt(await read(), ONSET)).toMatchObject(expected)
  })

  test.each([
    [5, 'minute', 420],
    [12, '5m', 168],
    [4 * 24, '15m', 392],
    [14 * 24, 'hour', 338],
  ])('%d hours long comes in steps of a %s', async (hours, step, points) => {
    await write({ onset: seconds(NOW - hours * HOUR) })
    const shown = await read()
    expect(shown.series.step).toBe(step)
    // Half past: whole hours are one more.
    expect(shown.series.points.length - points).toBeLessThanOrEqual(1)
    expect(shown.series.points.length).toBeGreaterThanOrEqual(points)
    const sum = (name: 'completed' | 'failed') =>
      shown.series.points.reduce((all, point) => all + Number(point[name]), 0)
    // Both of the two hours before the onset lie inside, unless the incident is young.
    expect([sum('completed'), sum('failed')]).toEqual([3, 5])
    const failing = shown.series.points.find(({ failed }) => failed !== 0)
    if (step !== 'minute') expect(failing).toMatchObject({ clients: 4, failed_clients: 3 })
  })

  test('ends where it closed, and begins where minutes are stored', async () => {
    await write({ state: 'closed', closed_at: seconds(ONSET + 10 * MINUTE), version: 2 })
    expect((await read()).series).toMatchObject({
      to: iso(ONSET + 10 * MINUTE),
      points: { length: 130 },
    })
    const later = ONSET - 90 * MINUTE + 30 * DAY
    expect((await read('incident', { now: later })).series.from).toBe(iso(ONSET - 90 * MINUTE))
    expect((await read('incident', { now: NOW + 60 * DAY })).series.points).toEqual([])
  })

  test('tells its history, also when the table of states has long forgotten it', async () => {
    await write({ version: 1 })
    await write({ version: 2, failed: 60, updated_at: seconds(NOW) })
    await post('incident/acknowledge', { author: 'ada', note: 'looking' })
    await take(NOW)
    await write({ version: 3, state: 'closed', closed_at: seconds(NOW) })
    await write({ version: 4, reopened: 1, updated_at: seconds(NOW + MINUTE) })
    await opened.store.command('OPTIMIZE TABLE incidents FINAL')
    const { history } = await read()
    expect(
      history.map(({ event, state, failed, author, note }) => [event, state, failed, author, note]),
    ).toEqual([
      ['opened', 'open', 43, '', ''],
      ['changed', 'open', 60, '', ''],
      ['acknowledged', 'open', 60, 'ada', 'looking'],
      ['closed', 'closed', 43, '', ''],
      ['opened', 'open', 43, '', ''],
    ])
    expect(history.map(({ at }) => at)).toEqual(
      [ONSET + 240_000, NOW, NOW, NOW, NOW + MINUTE].map((at) => iso(at)),
    )
  })

  test('leaves out earlier changes of its figures, and says how many', async () => {
    for (let version = 1; version <= 206; version++) await write({ version })
    const { history, history_left_out } = await read()
    expect([history.length, history_left_out]).toEqual([201, 5])
    expect(history.map(({ version }) => version).slice(0, 2)).toEqual([1, 7])
  })
})

const bodyFor = (path: string) =>
  path.endsWith('close') ? { author: 'ada', reason: 'over' } : { author: 'ada', note: 'looking' }

describe('an acknowledgement', () => {
  test('is recorded once, and changes nothing else', async () => {
    await write({})
    const before = await read()
    const first = await post('incident/acknowledge', { author: 'ada', note: 'looking' })
    const acknowledgement = { author: 'ada', note: 'looking', at: iso(NOW) }
    expect([first.status, first.body]).toMatchObject([200, { state: 'open', acknowledgement, closing: null }])
    expect((await post('incident/acknowledge', { author: 'ada', note: 'looking' })).body).toEqual(first.body)
    expect(await read()).toEqual({ ...before, acknowledgement })
    await write({ id: 'other', asn: 64_501 })
    const { items } = (await api.get('/v1/divergences')).body as { items: Record<string, unknown>[] }
    const listed = items.map(({ id, acknowledgement: given }) => [id, given])
    expect(Object.fromEntries(listed)).toEqual({ incident: acknowledgement, other: null })
  })

  test('may do without a note, and is one person’s', async () => {
    await write({})
    expect((await post('incident/acknowledge', { author: 'ada' })).status).toBe(200)
    const { status, body } = await post('incident/acknowledge', { author: 'bob', note: 'me too' })
    expect([status, body]).toMatchObject([
      409,
      { type: '/problems/acknowledged-already', detail: expect.stringMatching(/by ada; that stands$/) },
    ])
  })

  test('comes too late for an incident that is closed', async () => {
    await write({ state: 'closed', closed_at: seconds(NOW) })
    const { status, body } = await post('incident/acknowledge', { author: 'ada' })
    expect([status, body]).toMatchObject([
      409,
      { type: '/problems/incident-closed', detail: expect.stringContaining(`at ${iso(NOW)}, by itself`) },
    ])
  })
})

describe('an order to close', () => {
  test('waits for the detector, can be repeated, and is one person’s', async () => {
    await write({})
    const given = { author: 'ada', reason: 'rule taken back' }
    const first = await post('incident/close', given)
    const closing = { ...given, at: iso(NOW), holds_from: null }
    expect([first.status, first.body]).toMatchObject([200, { state: 'open', closing }])
    expect((await post('incident/close', given)).body).toEqual(first.body)
    const other = await post('incident/close', { ...given, author: 'bob' })
    expect([other.status, other.body]).toMatchObject([
      409,
      { type: '/problems/closing-ordered', detail: expect.stringContaining('by ada: rule taken back') },
    ])
    await take(NOW)
    expect(await read()).toMatchObject({ state: 'open', closing: { ...closing, holds_from: iso(NOW) } })
    await write({ state: 'closed', version: 2, closed_at: seconds(NOW) })
    expect((await post('incident/close', given)).body).toMatchObject({ state: 'closed', closing: given })
    const late = await post('incident/close', { author: 'bob', reason: 'over' })
    expect([late.status, late.body]).toMatchObject([
      409,
      {
        type: '/problems/incident-closed',
        detail: expect.stringContaining(`at ${iso(NOW)}, by hand by ada: rule taken back`),
      },
    ])
  })

  test('is one person’s also when many give it at once', async () => {
    await write({})
    const authors = Array.from({ length: 8 }, (_, i) => `author ${i}`)
    const answers = await Promise.all(
      authors.map((author) => post('incident/close', { author, reason: 'over' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect(await read()).toMatchObject({ closing: { author: authors[winner] } })
  })
})

describe('a body that is not allowed', () => {
  const allowed = '1 to 128 characters, not only blanks, no control characters'
  test.each([
    [{}, [{ field: 'author', message: 'author is missing', allowed }, { field: 'reason' }]],
    [{ author: ' ', reason: 'x' }, [{ field: 'author', message: 'author is " "', allowed }]],
    [{ author: 7, reason: 'x' }, [{ field: 'author', message: 'author is 7' }]],
    [{ author: 'a'.repeat(129), reason: 'x' }, [{ field: 'author', message: /^author is "a{79}…$/ }]],
    [{ author: 'ada', reason: 'two\nlines' }, [{ field: 'reason', message: 'reason is "two\\nlines"' }]],
    [{ author: 'ada', reason: { a: 1 } }, [{ field: 'reason', message: 'reason is {"a":1}' }]],
    [
      { author: 'ada', reasn: 'x' },
      [
        { field: 'reason', message: 'reason is missing' },
        { field: 'reasn', message: 'there is no field "reasn"', allowed: 'did you mean reason?' },
      ],
    ],
    ['{"author":"ada","reason":"x","__proto__":{}}', [{ field: '__proto__' }]],
    ['[]', [{ field: '', message: 'the body is a list', allowed: 'a JSON object' }]],
    [
      `{"author":"ada","reason":"x","more":${'['.repeat(40)}${']'.repeat(40)}}`,
      [{ field: '', message: 'the body is nested too deeply', allowed: 'at most 32 levels' }],
    ],
    ['{"author":"ada","reason":"half \\ud800 a pair"}', [{ field: 'reason' }]],
    ['"ada"', [{ field: '', message: /^the body is not JSON/ }]],
    ['{"author":', [{ field: '', message: /^the body is not JSON/, allowed: 'a JSON object' }]],
  ] as const)('%j', async (body, errors) => {
    await write({})
    const { status, headers, body: answer } = await post('incident/close', body)
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect([status, answer]).toMatchObject([400, { type: '/problems/bad-body' }])
    const found = (answer as { errors: Record<string, string>[] }).errors
    expect(found).toHaveLength(errors.length)
    for (const [i, expected] of errors.entries()) {
      for (const [name, value] of Object.entries(expected)) {
        if (value instanceof RegExp) expect(found[i]?.[name]).toMatch(value)
        else expect(found[i]?.[name]).toBe(value)
      }
    }
    expect(await read()).toMatchObject({ closing: null })
  })

  test.each([
    [
      'another media type',
      'author=ada&reason=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
    ],
    ['text that any page may send', '{"author":"ada","reason":"x"}', { 'content-type': 'text/plain' }, 415],
    [
      'another charset',
      '{"author":"ada","reason":"x"}',
      { 'content-type': 'application/json; charset=x' },
      415,
    ],
    ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415],
    ['too many bytes', JSON.stringify({ author: 'ada', reason: 'x'.repeat(20_000) }), {}, 413],
  ])('%s is told as what it is', async (_name, body, headers, expected) => {
    await write({})
    const { status, body: answer } = await post('incident/close', body, headers)
    expect([status, answer]).toMatchObject([expected, { detail: expect.stringMatching(/\w/) }])
    expect(await read()).toMatchObject({ closing: null })
  })

  test('is refused with parameters in the query too', async () => {
    await write({})
    const { status, body } = await post('incident/close?force=1', bodyFor('close'))
    expect([status, body]).toMatchObject([400, { errors: [{ parameter: 'force' }] }])
  })
})

describe('tokens', () => {
  test('orders want admin, whatever the body', async () => {
    await write({})
    const make = (name: string, scopes: StoredToken['scopes']) => {
      const { token, hash } = createToken()
      return { token, stored: { name, hash, scopes } }
    }
    const [reader, admin] = [make('reader', ['read', 'ingest']), make('admin', ['admin'])]
    const guarded = await serveApi({ store: opened.store, now: NOW, tokens: [reader.stored, admin.stored] })
    const order = async (path: string, token: string, body: unknown) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify(body) }
      return (await guarded.get(`/v1/divergences/incident/${path}`, init)).status
    }
    for (const path of ['acknowledge', 'close']) {
      expect(await order(path, reader.token, {})).toBe(403)
      expect(await order(path, 'hs_wrong', bodyFor(path))).toBe(401)
      expect(await read()).toMatchObject({ acknowledgement: null, closing: null })
    }
    for (const path of ['acknowledge', 'close'])
      expect(await order(path, admin.token, bodyFor(path))).toBe(200)
    await guarded.close()
  })
})

describe('an incident of the real detector', () => {
  const START = floorTo(NOW, HOUR) - 9 * HOUR
  const MINUTES = 7 * 60
  const FAILS_FROM = MINUTES - 12

  /** A detector over the store alone, as a process of its own has it, at a time of its own. */
  function detectorAt(minutes: number) {
    let now = START + minutes * MINUTE
    const changes = createChangeTable(opened.store)
    const incidents = createIncidentTable(opened.store, changes)
    const nothing = () => undefined
    const loop = createDetectorLoop({
      read: createMinuteReader(opened.store),
      write: (changed) => incidents.write(changed),
      stored: () => incidents.read(seconds(START)),
      orders: createOrderTable(opened.store, changes),
      clock: () => now,
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      options: { interval_ms: 3_600_000, history_ms: now - START },
    })
    return {
      loop,
      async passes(more: number) {
        for (let i = 0; i < more; i++) {
          now += MINUTE
          await loop.judgeDue()
        }
      },
    }
  }

  test('stays closed by hand through restarts, and what goes on failing is another incident', async () => {
    const rows = Array.from({ length: MINUTES + 60 }, (_, t) =>
      Array.from({ length: 12 }, (_, i) =>
        handshake({
          decided_at: START + t * MINUTE + i,
          asn: 64_600 + (i % 3),
          network: '',
          source: `10.${i % 3}.0.${i}`,
          ...(t >= FAILS_FROM && i % 3 === 0 && { outcome: 'failed' }),
        }),
      ),
    ).flat()
    await opened.store.write([encodeHandshakes(rows)])
    const first = detectorAt(MINUTES + 1)
    await first.loop.start()
    const [incident] = first.loop.snapshot().incidents
    const id = incident?.id ?? ''
    expect(incident).toMatchObject({ asn: 64_600, state: 'open' })
    expect((await post(`${id}/acknowledge`, bodyFor('acknowledge'))).status).toBe(200)
    expect((await post(`${id}/close`, bodyFor('close'))).status).toBe(200)
    expect(await read(id)).toMatchObject({ state: 'open', closing: { holds_from: null } })
    // The process ends before it has seen the order.
    await first.loop.stop()
    const second = detectorAt(MINUTES + 2)
    await second.loop.start()
    const closed = await read(id)
    expect(closed).toMatchObject({
      state: 'closed',
      closing: { ...bodyFor('close'), holds_from: closed.closed_at },
      acknowledgement: bodyFor('acknowledge'),
    })
    expect(closed.history.map(({ event }) => event)).toEqual(['opened', 'acknowledged', 'closed'])
    expect(closed.explanation).toMatch(/closed by hand at \d\d:\d\d$/)
    await second.passes(30)
    await second.loop.stop()
    const third = detectorAt(MINUTES + 32)
    await third.loop.start()
    await third.loop.stop()
    const stream = { asn: 64_600, label: '', prefix: '' }
    expect(third.loop.snapshot().state(stream)).toEqual(second.loop.snapshot().state(stream))
    expect(third.loop.snapshot().incidents).toEqual(second.loop.snapshot().incidents)
    const [again] = third.loop.snapshot().incidents
    expect(again?.id).not.toBe(id)
    expect(iso((again?.onset ?? 0) * 1_000) >= String(closed.closed_at)).toBe(true)
    expect(await read(id)).toEqual(closed)
  })
})
