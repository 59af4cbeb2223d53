import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertRow } from './testing/alerts.ts'
import { openStore, serveApi } from './testing/server.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const ago = (minutes: number) => Math.floor(NOW / 1_000) - minutes * 60

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>

beforeAll(async () => {
  opened = await openStore()
  await opened.store.insert('alerts', [
    alertRow({ id: 'now', fired_at: ago(10) }),
    alertRow({ id: 'also now', fired_at: ago(300), severity: 'info', asn: 64_501, rule: 'other' }),
    alertRow({ id: 'recent', fired_at: ago(50) }),
    alertRow({
      id: 'recent',
      fired_at: ago(50),
      resolved_at: ago(40),
      state: 'resolved',
      resolution: 'recovered',
      version: 2,
    }),
    alertRow({
      id: 'old',
      fired_at: ago(500),
      resolved_at: ago(400),
      state: 'resolved',
      resolution: 'recovered',
    }),
  ])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

const ids = async (path: string) => {
  const { body } = await api.get(path)
  return (body as { items: { id: string }[] }).items.map(({ id }) => id)
}

describe('GET /v1/alerts', () => {
  it('answers what fires, newest first', async () => {
    const { body } = await api.get('/v1/alerts')
    expect(body).toMatchObject({
      items: [
        {
          id: 'now',
          state: 'firing',
          fired_at: '2026-11-21T11:50:00.000Z',
          resolved_at: null,
          receivers: ['ops'],
        },
        { id: 'also now' },
      ],
      next_cursor: null,
    })
  })

  it('takes filters and pages', async () => {
    expect(await ids('/v1/alerts?asn=64501')).toEqual(['also now'])
    expect(await ids('/v1/alerts?rule=other&severity=info')).toEqual(['also now'])
    const { body } = await api.get('/v1/alerts?limit=1')
    const { next_cursor } = body as { next_cursor: string }
    expect(await ids(`/v1/alerts?limit=1&cursor=${next_cursor}`)).toEqual(['also now'])
    expect((await api.get('/v1/alerts?severity=loud')).status).toBe(400)
  })
})

describe('GET /v1/alerts/history', () => {
  it('answers what fired in the window, its last state', async () => {
    expect(await ids('/v1/alerts/history')).toEqual(['now', 'recent', 'also now'])
    expect(await ids('/v1/alerts/history?from=-1d')).toEqual(['now', 'recent', 'also now', 'old'])
    const { body } = await api.get('/v1/alerts/history?from=-52m&to=-45m')
    expect(body).toMatchObject({
      window: { from: '2026-11-21T11:08:00.000Z' },
      items: [
        { id: 'recent', state: 'resolved', resolved_at: '2026-11-21T11:20:00.000Z' },
        { id: 'also now' },
      ],
    })
  })
})
