import { connect } from 'node:net'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRuleBook } from '../alerts/rule-book.ts'
import { createHttpServer } from '../core/runtime/http-server.ts'
import { startAll } from '../core/runtime/lifecycle.ts'
import { createAuthorize } from '../core/runtime/tokens.ts'
import { silent } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createOrderTable } from '../detector/order-table.ts'
import { DEFAULT_LISTENING } from './change-stream.ts'
import { createApiRouter } from './router.ts'
import { changeSchema } from './routes/change.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'

const LIMITS = { ...DEFAULT_LISTENING, listeners: 3, pollMs: 20, heartbeatMs: 100 }
const PATH = '/v1/divergences/events'

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
const open: { close(): void }[] = []
beforeAll(async () => {
  opened = await openStore()
})
afterAll(() => opened.close())
beforeEach(async () => {
  for (const table of ['incidents', 'incident_orders', 'incident_changes'])
    await opened.store.command(`TRUNCATE TABLE ${table}`)
  api = await serveApi({ store: opened.store, now: Date.now(), listening: LIMITS })
})
afterEach(async () => {
  for (const one of open.splice(0)) one.close()
  await api.close()
})

const write = (...incidents: Partial<Incident>[]) =>
  createIncidentTable(opened.store, createChangeTable(opened.store)).write(incidents.map(openIncident))
const state = (version: number, given: Partial<Incident> = {}) => ({ version, ...given })

type Event = { id: string; event: string; data: Record<string, unknown> }

/** Listens as a browser does: fields of blocks that end in an empty line. */
async function listen({ lastEventId, url = api.url }: { lastEventId?: string; url?: string } = {}) {
  const abort = new AbortController()
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  const response = await fetch(url + PATH, { headers, signal: abort.signal })
  const events: Event[] = []
  const seen = { comments: 0, lastId: '', ended: false, status: response.status, headers: response.headers }
  const done = (async () => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        if (block.startsWith(':')) seen.comments += 1
        // Lines end in a line feed and nothing else: not in U+2028.
        const lines = block.split('\n')
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        seen.lastId = field('id') ?? seen.lastId
        const data = field('data')
        if (data !== undefined)
          events.push({ id: seen.lastId, event: field('event') ?? '', data: JSON.parse(data) })
      }
    }
    seen.ended = true
  })().catch(() => undefined)
  const close = () => abort.abort()
  open.push({ close })
  return { seen, events, done, close }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

describe('events of incidents', () => {
  test('come as they happen, from now on, each as its schema says', async () => {
    await write(state(1))
    const { seen, events } = await listen()
    expect(seen.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(seen.headers.get('cache-control')).toBe('no-store')
    await write(state(2), { ...state(2), id: 'other' })
    const order = { incident: 'incident', action: 'acknowledge', author: 'ada', reason: 'line\u2028sep' }
    const stream = { scope: 'network', asn: 64_500, label: '', prefix: '', site: '' }
    await opened.store.insert('incident_orders', [{ ...stream, ...order, minute: 0, version: 1 }])
    await createOrderTable(opened.store, createChangeTable(opened.store)).take(60)
    await write(state(3, { state: 'closed', closed_at: 1_790_000_040 }))
    await until(() => events.length === 4)
    expect(events.map(({ id, event, data }) => [id, event, data['id'], data['author']])).toEqual([
      ['2', 'changed', 'incident', ''],
      ['3', 'opened', 'other', ''],
      ['4', 'acknowledged', 'incident', 'ada'],
      ['5', 'closed', 'incident', ''],
    ])
    for (const { id, event, data } of events) {
      expect(changeSchema.safeParse(data).error).toBeUndefined()
      expect(data).toMatchObject({ sequence: Number(id), event })
    }
  })

  test('resume after the last one that came, without loss and without repeats, at another server too', async () => {
    const first = await listen()
    for (let version = 1; version <= 4; version++) await write(state(version))
    await until(() => first.events.length >= 2)
    const cut = first.events[1]?.id ?? ''
    first.close()
    for (let version = 5; version <= 9; version++) await write(state(version))
    const other = await serveApi({ store: opened.store, now: Date.now(), listening: LIMITS })
    const second = await listen({ lastEventId: cut, url: other.url })
    await write(state(10))
    await until(() => second.events.length >= 8)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(second.events.map(({ id }) => id)).toEqual(['3', '4', '5', '6', '7', '8', '9', '10'])
    await other.close()
  })

  test('resume where the connection began when it was cut before the first event', async () => {
    await write(state(1))
    const first = await listen()
    await until(() => first.seen.lastId === '1')
    first.close()
    await write(state(2))
    const second = await listen({ lastEventId: first.seen.lastId })
    await until(() => second.events.length === 1)
    expect(second.events[0]).toMatchObject({ id: '2', data: { version: 2 } })
  })

  test('are told from the very first with 0', async () => {
    await write(state(1), { ...state(1), id: 'other' })
    const { events } = await listen({ lastEventId: '0' })
    await until(() => events.length === 2)
  })

  test('keep the connection alive when there are none', async () => {
    const { seen } = await listen()
    await until(() => seen.comments > 1)
  })

  test.each(['x', '-1', '1.5', '7', '99999999999999999999'])('refuse the place %j', async (lastEventId) => {
    const { status, body } = await api.get(PATH, { headers: { 'Last-Event-ID': lastEventId } })
    expect([status, body]).toMatchObject([
      400,
      { errors: [{ parameter: 'Last-Event-ID', message: expect.stringContaining(lastEventId) }] },
    ])
  })

  test('refuse parameters, and answer HEAD at once', async () => {
    expect((await api.get(`${PATH}?asn=1`)).status).toBe(400)
    const { status, headers } = await api.get(PATH, { method: 'HEAD' })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  })

  test('have a bound on those who listen; one who leaves makes room', async () => {
    const listeners = await Promise.all([listen(), listen(), listen()])
    const refused = await api.get(PATH)
    expect([refused.status, refused.body]).toMatchObject([503, { type: '/problems/too-many-listeners' }])
    expect(refused.headers.get('retry-after')).toBe('5')
    listeners[0]?.close()
    for (let i = 0; i < 100; i++) {
      const next = await listen()
      if (next.seen.status === 200) return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect.fail('no room was made')
  })
})

describe('a listener that does not read', () => {
  test('is disconnected when its buffer is full; the others have everything, and it can resume', async () => {
    const slowLimits = { ...LIMITS, bufferedBytes: 100_000, slowMs: 200 }
    const limited = await serveApi({ store: opened.store, now: Date.now(), listening: slowLimits })
    const socket = connect(Number(new URL(limited.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.pause()
    const quick = await listen({ url: limited.url })
    // More than the kernel's buffers hold for a connection on the loopback.
    const explanation = 'x'.repeat(200_000)
    for (let version = 1; version <= 120; version++) await write(state(version, { explanation }))
    const metrics = () => limited.registry.metrics()
    let text = ''
    for (let i = 0; i < 500 && !text.includes('reason="slow"} 1'); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      text = await metrics()
    }
    expect(text).toContain('halfshake_api_listeners_ended_total{of="incidents",reason="slow"} 1')
    expect(text).toContain('halfshake_api_listeners{of="incidents"} 1')
    await until(() => quick.events.length === 120)
    socket.destroy()
    const resumed = await listen({ lastEventId: '117', url: limited.url })
    await until(() => resumed.events.length === 3)
    quick.close()
    resumed.close()
    await limited.close()
  })
})

describe('a server that stops', () => {
  test('ends those who listen and does not wait for them', async () => {
    const registry = new Registry()
    const surroundings = { receivers: [], prefixLengths: { ipv4: 24, ipv6: 48 } }
    const router = createApiRouter({
      store: opened.store,
      authorize: createAuthorize([]),
      log: silent,
      registry,
      rules: createRuleBook({ folder: undefined, defaultRule: true, surroundings, log: silent, registry }),
      backtest: { historyMs: 0, watermarkMs: 60_000, rawKeptMs: 0 },
      now: Date.now,
      version: '1.2.3',
    })
    const http = createHttpServer({ host: '127.0.0.1', port: 0, routers: [router], log: silent })
    const running = await startAll([http, router.listeners], { log: silent })
    const { seen, done } = await listen({ url: http.url() })
    expect(seen.status).toBe(200)
    const began = performance.now()
    await running.stop()
    await done
    expect(seen.ended).toBe(true)
    // The server itself would cut off after five seconds what does not end.
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})
