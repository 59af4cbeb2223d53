import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSilenceTable } from '../alerts/silence-table.ts'
import { createToken, type StoredToken } from '../core/runtime/tokens.ts'
import { alertRow } from './testing/alerts.ts'
import { openStore, serveApi } from './testing/server.ts'
import { silenceFor } from './testing/silences.ts'
import { HOUR, MINUTE } from './window.ts'

/** A Saturday. */
const NOW = Date.UTC(2026, 10, 21, 12)
const ago = (minutes: number) => Math.floor(NOW / 1_000) - minutes * 60
const AUTHOR = { author: 'Ada', reason: 'Their maintenance' }

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
let later: Awaited<ReturnType<typeof serveApi>>

beforeAll(async () => {
  opened = await openStore()
  api = await serveApi({ store: opened.store, now: NOW })
  later = await serveApi({ store: opened.store, now: NOW + HOUR })
})
afterAll(async () => {
  await api.close()
  await later.close()
  await opened.close()
})
beforeEach(async () => {
  for (const table of ['silences', 'alert_acknowledgements', 'incident_orders', 'alerts'])
    await opened.store.command(`TRUNCATE TABLE ${table}`)
  await opened.store.insert('alerts', [
    alertRow({ id: 'network', fired_at: ago(10) }),
    alertRow({ id: 'prefix', fired_at: ago(11), scope: 'prefix', prefix: '203.0.113.0/24', incident: 'p' }),
    alertRow({ id: 'other', fired_at: ago(12), asn: 64_501, severity: 'info', rule: 'other', incident: '' }),
    alertRow({
      id: 'over',
      fired_at: ago(90),
      resolved_at: ago(60),
      state: 'resolved',
      resolution: 'recovered',
    }),
  ])
})

type Item = Record<string, unknown> & { id: string }
async function post(path: string, body: unknown, at = api) {
  const headers = { 'content-type': 'application/json' }
  const answer = await at.get(path, { method: 'POST', headers, body: JSON.stringify(body) })
  return {
    ...answer,
    body: answer.body as Item & { errors: { field: string; allowed: string }[]; detail: string },
  }
}
async function items(path: string, at = api): Promise<Item[]> {
  return ((await at.get(path)).body as { items: Item[] }).items
}
const ids = async (path: string, at = api) => (await items(path, at)).map(({ id }) => id)
const silencedBy = async (at = api) =>
  Object.fromEntries((await items('/v1/alerts', at)).map(({ id, silenced_by }) => [id, silenced_by]))

describe('a silence', () => {
  it('is stored with author, reason and end, says how many alerts it names, and shows at them', async () => {
    const { status, body } = await post('/v1/silences', {
      ...AUTHOR,
      prefix: ['203.0.112.0/20'],
      asn: ['AS64500', 64_501],
      ends_at: '+2h',
    })
    expect([status, body]).toMatchObject([
      201,
      {
        ...AUTHOR,
        state: 'active',
        mutes_now: true,
        asn: [64_500, 64_501],
        prefix: ['203.0.112.0/20'],
        rule: [],
        everything: false,
        weekly: null,
        created_at: '2026-11-21T12:00:00.000Z',
        starts_at: '2026-11-21T12:00:00.000Z',
        ends_at: '2026-11-21T14:00:00.000Z',
        ended: null,
        matches: 1,
      },
    ])
    expect((await api.get(`/v1/silences/${body.id}`)).body).toEqual(body)
    expect(await silencedBy()).toEqual({ network: [], prefix: [body.id], other: [] })
    expect(await items('/v1/alerts/history?from=-2h')).toMatchObject([
      { silenced_by: [] },
      { silenced_by: [body.id] },
      { silenced_by: [] },
      { id: 'over', silenced_by: [] },
    ])
  })

  it('has a preview that stores nothing', async () => {
    expect((await post('/v1/silences/preview', { asn: [64_500] })).body).toEqual({
      matches: 2,
      alerts: ['network', 'prefix'],
    })
    expect((await post('/v1/silences/preview', { everything: true })).body).toMatchObject({ matches: 3 })
    expect(await ids('/v1/silences')).toEqual([])
    expect((await api.get('/v1/silences/preview')).status).toBe(405)
  })

  it('begins later, holds within its hours of the week alone, and is listed by its state', async () => {
    const weekly = { days: ['sat'], from: '13:00', to: '13:30', time_zone: 'Europe/Berlin' }
    const make = async (more: object) =>
      (await post('/v1/silences', { ...AUTHOR, everything: true, ...more })).body.id
    const soon = await make({ starts_at: '2026-11-21T12:30:00Z', ends_at: '+1h' })
    const window = await make({ ends_at: '+1d', weekly })
    const short = await make({ ends_at: '+10m' })
    expect(new Set(await ids('/v1/silences'))).toEqual(new Set([soon, window, short]))
    expect(await ids('/v1/silences?state=pending')).toEqual([soon])
    expect(await ids('/v1/silences?state=ended')).toEqual([])
    expect(new Set(await ids('/v1/silences?state=active'))).toEqual(new Set([window, short]))
    expect(await ids('/v1/silences?state=ended', later)).toEqual([short])
    expect(new Set(await ids('/v1/silences?state=active', later))).toEqual(new Set([window, soon]))
    // At one o'clock in Berlin, and at two.
    expect((await api.get(`/v1/silences/${window}`)).body).toMatchObject({ mutes_now: true, weekly })
    expect((await later.get(`/v1/silences/${window}`)).body).toMatchObject({
      state: 'active',
      mutes_now: false,
    })
    expect(new Set((await silencedBy())['network'] as string[])).toEqual(new Set([window, short]))
    expect((await silencedBy(later))['network']).toEqual([soon])
  })

  it('comes in pages, the one ordered last first', async () => {
    const table = createSilenceTable(opened.store)
    for (const id of ['a', 'b', 'c']) await table.write(silenceFor(NOW - HOUR, { id, ends_at: NOW + HOUR }))
    const { body } = await api.get('/v1/silences?limit=2&state=active')
    const { items: first, next_cursor } = body as { items: Item[]; next_cursor: string }
    expect(first.map(({ id }) => id)).toEqual(['c', 'b'])
    expect(await ids(`/v1/silences?limit=2&state=active&cursor=${next_cursor}`)).toEqual(['a'])
  })

  it('is ended before its time by somebody who says why, once', async () => {
    const { id } = (await post('/v1/silences', { ...AUTHOR, everything: true, ends_at: '+3h' })).body
    const order = { author: 'Grace', reason: 'Done early' }
    const { status, body } = await post(`/v1/silences/${id}/end`, order, later)
    expect([status, body]).toMatchObject([
      200,
      { ...AUTHOR, state: 'ended', mutes_now: false, ended: { ...order, at: '2026-11-21T13:00:00.000Z' } },
    ])
    expect(body['ends_at']).toBe('2026-11-21T15:00:00.000Z')
    expect(await silencedBy(later)).toEqual({ network: [], prefix: [], other: [] })
    expect((await post(`/v1/silences/${id}/end`, order, later)).status).toBe(200)
    const other = await post(`/v1/silences/${id}/end`, { ...order, author: 'Ada' }, later)
    expect([other.status, other.body]).toMatchObject([
      409,
      {
        type: '/problems/silence-ended',
        detail: `${id} ended at 2026-11-21T13:00:00.000Z by Grace: Done early`,
      },
    ])
    await createSilenceTable(opened.store).write(silenceFor(NOW - 2 * HOUR, { id: 'old' }))
    expect((await post('/v1/silences/old/end', order)).body.detail).toContain('as ordered')
    expect((await post('/v1/silences/none/end', order)).status).toBe(404)
    expect((await api.get('/v1/silences/none')).body).toMatchObject({ type: '/problems/silence-not-found' })
  })

  it.each([
    [{ everything: undefined }, 'everything', 'at least one of'],
    [{ asn: [1] }, 'everything', 'at least one of'],
    [{ ends_at: undefined }, 'ends_at', '+2h'],
    [{ ends_at: 'soon' }, 'ends_at', '+2h'],
    [{ ends_at: '-1h' }, 'ends_at', '+2h'],
    [{ ends_at: '2026-11-21T12:00:00Z' }, 'ends_at', 'after'],
    [{ ends_at: '+367d' }, 'ends_at', '366 days'],
    [{ author: ' ' }, 'author', 'not only blanks'],
    [{ reason: undefined }, 'reason', '1 to 2000'],
    [{ everything: undefined, site: ['x\ud800y'] }, 'site', 'no control'],
    [{ starts_at: '2150-01-01T00:00:00Z' }, 'starts_at', '366 days'],
    [{ severity: ['loud'] }, 'severity', 'critical, warning, info'],
    [{ asn: ['x'] }, 'asn', 'AS64500'],
    [{ asn: 64_500 }, 'asn', 'a list of'],
    [{ prefix: ['203.0.113.0/33'] }, 'prefix', '203.0.113.0/24'],
    [{ sites: ['fra'] }, 'sites', 'did you mean site?'],
    [{ weekly: 'sat' }, 'weekly', 'days, from, to, time_zone'],
    [{ weekly: { days: ['sat'], from: '22:00', to: '06:00' } }, 'weekly.time_zone', 'Europe/Berlin'],
    [{ weekly: { days: ['sat'], from: '22:00', to: '24:00', time_zone: 'UTC' } }, 'weekly.to', '23:59'],
    [{ weekly: { days: [], from: '22:00', to: '06:00', time_zone: 'UTC' } }, 'weekly.days', 'sat'],
    [
      { weekly: { days: ['sat'], from: '22:00', to: '06:00', time_zone: 'Mars' } },
      'weekly.time_zone',
      'IANA',
    ],
    [
      { weekly: { days: ['sat'], from: '22:00', to: '06:00', time_zone: 'UTC', zone: 1 } },
      'weekly.zone',
      'time_zone',
    ],
  ])('%j is refused by name', async (given, field, allowed) => {
    const { status, body } = await post('/v1/silences', {
      ...AUTHOR,
      everything: true,
      ends_at: '+1h',
      ...given,
    })
    expect([status, body]).toMatchObject([
      400,
      { errors: [{ field, allowed: expect.stringContaining(allowed) }] },
    ])
    expect(await ids('/v1/silences')).toEqual([])
  })

  it('is one of 500 at most', async () => {
    const table = createSilenceTable(opened.store)
    const write = (id: number, given: object) =>
      table.write(silenceFor(NOW - MINUTE, { id: `s${id}`, ...given }))
    for (let i = 0; i < 499; i += 1) await write(i, {})
    await write(499, { ends_at: NOW - 1 })
    expect((await post('/v1/silences', { ...AUTHOR, asn: [1], ends_at: '+1h' })).status).toBe(201)
    const { status, body } = await post('/v1/silences', { ...AUTHOR, asn: [1], ends_at: '+1h' })
    expect([status, body]).toMatchObject([409, { type: '/problems/too-many-silences' }])
  })
})

describe('an acknowledgement', () => {
  const ada = { author: 'Ada', note: 'Called them' }
  const acknowledge = (id: string, body: object, at = api) => post(`/v1/alerts/${id}/acknowledge`, body, at)
  const shown = async (id: string, at = api) =>
    (await items('/v1/alerts/history?from=-4h', at)).find((item) => item.id === id)?.['acknowledgement']

  it('shows at the alert; somebody else is told who was first', async () => {
    const { status, body } = await acknowledge('network', ada)
    const given = { ...ada, at: '2026-11-21T12:00:00.000Z', until: null, of: 'alert', holds: true }
    expect([status, body]).toMatchObject([200, { id: 'network', acknowledgement: given }])
    expect([await shown('network'), await shown('other')]).toEqual([given, null])
    const other = await acknowledge('network', { author: 'Grace' })
    expect([other.status, other.body]).toMatchObject([
      409,
      {
        detail:
          'network was acknowledged at 2026-11-21T12:00:00.000Z by Ada, until it ends: Called them; that stands',
      },
    ])
    await acknowledge('network', { ...ada, note: 'They are at it' }, later)
    expect(await shown('network', later)).toMatchObject({
      note: 'They are at it',
      at: '2026-11-21T13:00:00.000Z',
    })
  })

  it('with an end is over then, and anybody may give another', async () => {
    expect((await acknowledge('network', { ...ada, until: '+30m' })).body['acknowledgement']).toMatchObject({
      until: '2026-11-21T12:30:00.000Z',
      holds: true,
    })
    expect(await shown('network', later)).toMatchObject({ author: 'Ada', holds: false })
    expect((await acknowledge('network', { author: 'Grace' }, later)).status).toBe(200)
  })

  it('of the incident counts for its alerts', async () => {
    const order = { incident: 'p', action: 'acknowledge', author: 'Grace', reason: 'Seen', version: 1 }
    await opened.store.insert('incident_orders', [
      { ...order, given_at: '2026-11-21 11:59:00.000', minute: 0 },
    ])
    expect(await shown('prefix')).toEqual({
      author: 'Grace',
      note: 'Seen',
      at: '2026-11-21T11:59:00.000Z',
      until: null,
      of: 'incident',
      holds: true,
    })
    expect([await shown('network'), await shown('other')]).toEqual([null, null])
  })

  it.each([
    ['none', ada, 404, 'alert-not-found'],
    ['over', ada, 409, 'alert-resolved'],
    ['network', { note: 'x' }, 400, 'bad-body'],
    ['network', { ...ada, until: '2026-11-21T11:00:00Z' }, 400, 'bad-body'],
    ['network', { ...ada, until: '+400d' }, 400, 'bad-body'],
  ])('of %s with %j is refused', async (id, body, expected, type) => {
    const answer = await acknowledge(id, body)
    expect([answer.status, answer.body]).toMatchObject([expected, { type: `/problems/${type}` }])
  })
})

describe('tokens', () => {
  it('silence with admin alone, and read and preview with read', async () => {
    const make = (name: string, scopes: StoredToken['scopes']) => {
      const { token, hash } = createToken()
      return { token, stored: { name, hash, scopes } }
    }
    const [reader, admin] = [make('reader', ['read']), make('admin', ['admin'])]
    const guarded = await serveApi({ store: opened.store, now: NOW, tokens: [reader.stored, admin.stored] })
    const status = async (token: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      return (await guarded.get(path, { method: 'POST', headers, body: JSON.stringify(body) })).status
    }
    const body = { ...AUTHOR, everything: true, ends_at: '+1h' }
    expect(await status(reader.token, '/v1/silences', body)).toBe(403)
    expect(await status(reader.token, '/v1/silences/any/end', AUTHOR)).toBe(403)
    expect(await status(reader.token, '/v1/alerts/network/acknowledge', { author: 'Ada' })).toBe(403)
    expect(await status(reader.token, '/v1/silences/preview', { everything: true })).toBe(200)
    expect(await status(admin.token, '/v1/silences', body)).toBe(201)
    await guarded.close()
  })
})
