import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dateTime } from './queries/causes.ts'
import { alertRow, attemptRow, notificationRow } from './testing/alerts.ts'
import { openStore, serveApi } from './testing/server.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const ago = (minutes: number) => NOW - minutes * 60_000
const MINE = { rule: 'mine' }

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>

beforeAll(async () => {
  opened = await openStore()
  const { store } = opened
  await store.insert('alerts', [
    alertRow({ id: 'a1', ...MINE, fired_at: ago(40) / 1_000 }),
    alertRow({ id: 'a2', ...MINE, fired_at: ago(20) / 1_000 }),
    alertRow({ id: 'other', rule: 'other', fired_at: ago(15) / 1_000 }),
    alertRow({ id: 'old', ...MINE, fired_at: ago(400) / 1_000 }),
  ])
  await store.insert('notifications', [
    notificationRow({ id: 'm1', ...MINE, created_at: ago(39), attempts: 3 }),
    notificationRow({
      id: 'm2',
      ...MINE,
      created_at: ago(20),
      receiver: 'pager',
      state: 'queued',
      attempts: 1,
    }),
    notificationRow({ id: 'm3', rule: 'other', created_at: ago(14) }),
  ])
  const failed = { result: 'unreachable', answer: '503 not now' }
  await store.insert('notification_attempts', [
    attemptRow({ notification: 'm1', attempt: 1, at: ago(39), ...failed }),
    attemptRow({ notification: 'm1', attempt: 2, at: ago(38), ...failed }),
    attemptRow({ notification: 'm1', attempt: 3, at: ago(37) }),
    attemptRow({ notification: 'm2', attempt: 1, at: ago(20), ...failed }),
  ])
  const error = (minutes: number, rule: string, error: string) => ({
    at: dateTime(ago(minutes)),
    minute: ago(minutes + 2) / 1_000,
    rule,
    error,
  })
  await store.insert('evaluation_errors', [
    error(30, '', 'the store cannot answer now'),
    error(30, 'mine', 'not in force'),
    error(30, 'mine', 'not in force either'),
    error(10, 'other', 'not in force'),
  ])
  api = await serveApi({ store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

type Entry = { kind: string; alert: { id: string }; message: { id: string }; error: { error: string } }
const nameOf = ({ kind, alert, message, error }: Entry) =>
  kind === 'alert' ? alert.id : kind === 'message' ? message.id : error.error
const WHOLE = ['a2', 'm2', 'not in force', 'not in force either', 'the store cannot answer now', 'm1', 'a1']

describe('GET /v1/rules/:id/history', () => {
  it('has alerts, messages with their attempts, and errors, newest first', async () => {
    const { body } = await api.get('/v1/rules/mine/history')
    const { items, next_cursor } = body as { items: Entry[]; next_cursor: null }
    expect(items.map(nameOf).sort()).toEqual([...WHOLE].sort())
    expect(items.map(({ kind }) => kind)).toEqual([
      'alert',
      'message',
      'error',
      'error',
      'error',
      'message',
      'alert',
    ])
    expect(next_cursor).toBeNull()
    expect(items[4]).toMatchObject({ at: '2026-11-21T11:30:00.000Z', alert: null, message: null })
    expect(items[5]).toMatchObject({
      at: '2026-11-21T11:21:00.000Z',
      message: {
        receiver: 'ops',
        title: 'CRITICAL: AS64500',
        next_attempt_at: null,
        tries: [
          { attempt: 3, result: 'delivered', answer: '200 ok' },
          { attempt: 2, result: 'unreachable', answer: '503 not now' },
          { attempt: 1, at: '2026-11-21T11:21:00.000Z' },
        ],
      },
    })
    const longer = await api.get('/v1/rules/mine/history?from=-1d')
    expect((longer.body as { items: Entry[] }).items.map(nameOf)).toContain('old')
  })

  it('comes in pages of any size, with nothing twice and nothing left out', async () => {
    const whole = (await api.get('/v1/rules/mine/history')).body as { items: Entry[] }
    for (const limit of [1, 2, 3, 5]) {
      const seen: Entry[] = []
      let cursor = ''
      do {
        const { status, body } = await api.get(`/v1/rules/mine/history?limit=${limit}${cursor}`)
        expect(status, JSON.stringify(body)).toBe(200)
        const page = body as { items: Entry[]; next_cursor: string | null }
        seen.push(...page.items)
        cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
      } while (cursor !== '')
      expect(seen).toEqual(whole.items)
    }
  })

  it('is empty for a rule that there never was, but for what concerned all', async () => {
    const { body } = await api.get('/v1/rules/nobody/history')
    expect((body as { items: Entry[] }).items.map(nameOf)).toEqual(['the store cannot answer now'])
  })
})

describe('GET /v1/notifications', () => {
  const ids = async (query: string) => {
    const { body } = await api.get(`/v1/notifications${query}`)
    return (body as { items: { id: string }[] }).items.map(({ id }) => id)
  }

  it('lists messages newest first, by receiver, state and rule', async () => {
    expect(await ids('')).toEqual(['m3', 'm2', 'm1'])
    expect(await ids('?receiver=pager')).toEqual(['m2'])
    expect(await ids('?state=queued')).toEqual(['m2'])
    expect(await ids('?rule=mine')).toEqual(['m2', 'm1'])
    expect(await ids('?from=-25m&to=-16m')).toEqual(['m2'])
    const queued = await api.get('/v1/notifications?state=queued')
    expect(queued.body).toMatchObject({
      items: [{ next_attempt_at: '2026-11-21T11:40:01.000Z', tries: [{ answer: '503 not now' }] }],
    })
  })

  it('comes in pages, and refuses other states', async () => {
    const { body } = await api.get('/v1/notifications?limit=2')
    const { next_cursor } = body as { next_cursor: string }
    expect(await ids(`?limit=2&cursor=${next_cursor}`)).toEqual(['m1'])
    expect((await api.get('/v1/notifications?state=lost')).status).toBe(400)
  })
})
