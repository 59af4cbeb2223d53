import { type ClientRequest, request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { type Batch, type Bus, BusFull, type Receipt } from '../core/bus/bus.ts'
import type { DecidingEvent } from '../core/event/index.ts'
import { serializeEvents } from '../core/event/index.ts'
import { createHttpServer, type HttpServer } from '../core/runtime/http-server.ts'
import { createLogger } from '../core/runtime/log.ts'
import { createAuthorize, createToken } from '../core/runtime/tokens.ts'
import { createIngestRouter } from './router.ts'

const NOW = 1_790_000_000_000
const log = createLogger({ level: 'silent' })
const servers: HttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

describe('POST /v1/events', () => {
  it('hands a batch on and answers 202 once it is durable', async () => {
    const { post, published } = await start()
    const answer = await post(serializeEvents([event('a'), event('b')]), { 'halfshake-sequence': '7' })
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 2, rejected: 0, duplicate: false, errors: [] },
    })
    expect(published).toMatchObject([{ agent: 'edge-1', epoch: 99, sequence: 7, received_at: NOW }])
    expect(published[0]?.events.map(({ line, event: { id } }) => [line, id])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
  })

  it('takes gzip as well', async () => {
    const { post, published } = await start()
    const body = gzipSync(serializeEvents([event('a')]))
    expect(await post(body, { 'content-encoding': 'gzip' })).toMatchObject({ status: 202 })
    expect(published).toHaveLength(1)
  })

  it('takes the good lines, lists the bad ones, and keeps those with their bytes', async () => {
    const { post, published } = await start()
    const body = `${JSON.stringify(event('a'))}\n{"v":1}\nnot json\n${JSON.stringify(event('b'))}\n`
    const answer = await post(body)
    expect(answer).toMatchObject({
      status: 202,
      body: {
        accepted: 2,
        rejected: 2,
        errors: [
          { line: 2, field: 'id', reason: 'missing_field' },
          { line: 3, field: null, reason: 'not_json', allowed: 'one JSON object a line' },
        ],
      },
    })
    expect(published[0]?.refused.map(({ raw }) => raw.toString())).toEqual(['{"v":1}', 'not json'])
  })

  it('answers 400 with line, field and reason when no line is good, and keeps the lines all the same', async () => {
    const { post, published } = await start()
    const answer = await post(JSON.stringify({ ...event('a'), source_port: -1 }))
    expect(answer).toMatchObject({
      status: 400,
      body: {
        type: '/problems/no-valid-event',
        detail: expect.stringMatching(/line 1: source_port is -1; allowed: a whole number from 0 to 65535/),
        errors: [{ line: 1, field: 'source_port', reason: 'bad_value' }],
      },
    })
    expect(published[0]?.refused).toHaveLength(1)
  })

  it('refuses a clock that is wrong, by more than ten minutes ahead or the retention behind', async () => {
    const { post } = await start()
    const at = (ms: number) => event(`t${ms}`, { opened_at: NOW + ms, decided_at: NOW + ms })
    const good = [at(599_000), at(-3_599_000)]
    const answer = await post(serializeEvents([...good, at(601_000), at(-3_601_000)]))
    expect(answer).toMatchObject({
      status: 202,
      body: {
        accepted: 2,
        errors: [
          { line: 3, reason: 'clock', field: 'decided_at' },
          { line: 4, reason: 'clock' },
        ],
      },
    })
  })

  it('counts what only opens, and stores nothing of it', async () => {
    const { post, published } = await start()
    const { decided_at: _, ...fresh } = event('n')
    expect(await post(JSON.stringify({ ...fresh, state: 'new' }))).toMatchObject({
      status: 202,
      body: { accepted: 1 },
    })
    expect(published[0]).toMatchObject({ opened: 1, events: [] })
  })

  const refusals: [string, string | Buffer, Record<string, string>, number, RegExp][] = [
    ['another media type', 'x', { 'content-type': 'text/html' }, 415, /application\/x-ndjson/],
    ['another encoding', 'x', { 'content-encoding': 'br' }, 415, /gzip or identity/],
    ['an empty body', '\n\n', {}, 400, /one JSON event a line/],
    [
      'cut-off gzip',
      gzipSync('hello hello hello').subarray(0, 15),
      { 'content-encoding': 'gzip' },
      400,
      /whole gzip/,
    ],
    ['what is no gzip', 'plain', { 'content-encoding': 'gzip' }, 400, /cannot be unzipped/],
    ['a body over the limit', 'x'.repeat(100_001), {}, 413, /100000 bytes/],
    [
      'a decompression bomb',
      gzipSync(Buffer.alloc(50_000_000)),
      { 'content-encoding': 'gzip' },
      413,
      /after unzipping/,
    ],
    ['more lines than a batch may have', '\n'.repeat(50_001), {}, 413, /50000 lines/],
    ['a bad agent name', 'x', { 'halfshake-agent': 'a b' }, 400, /halfshake-agent is not allowed: 1 to 128/],
    ['a bad sequence', 'x', { 'halfshake-sequence': '0' }, 400, /halfshake-sequence is not allowed/],
    ['a bad epoch', 'x', { 'halfshake-epoch': '1e5' }, 400, /halfshake-epoch is not allowed/],
  ]
  for (const [title, body, headers, status, detail] of refusals) {
    it(`refuses ${title} with ${status}`, async () => {
      const { post, published } = await start()
      const answer = await post(body, headers)
      expect(answer).toMatchObject({
        status,
        type: 'application/problem+json',
        body: { status, detail: expect.stringMatching(detail) },
      })
      expect(published).toEqual([])
    })
  }

  it('asks for a token with the scope', async () => {
    const { token, hash } = createToken()
    const { post } = await start({ tokens: [{ name: 'edge', hash, scopes: ['ingest'] }] })
    const body = serializeEvents([event('a')])
    expect(await post(body)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining('Bearer') },
    })
    expect(await post(body, { authorization: `Bearer ${token}` })).toMatchObject({ status: 202 })
  })

  it('tells the agent when to come again while the bus is full', async () => {
    const { post } = await start({ publish: () => Promise.reject(new BusFull('200000 events wait', 3)) })
    expect(await post(serializeEvents([event('a')]))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '3' },
      body: { detail: expect.stringContaining('send the same batch again') },
    })
  })

  it('lets a batch that is sent again wait for its first sending', async () => {
    let release: () => void = () => undefined
    let calls = 0
    const { post } = await start({
      publish: (batch) => {
        calls += 1
        return new Promise((resolve) => {
          release = () => resolve({ accepted: batch.events.length, rejected: 0, duplicate: false })
        })
      },
    })
    const body = serializeEvents([event('a')])
    const both = [post(body), post(body)]
    while (calls === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    release()
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([202, 202])
    expect(calls).toBe(1)
  })

  it('holds a bounded amount of memory, however many send slowly and endlessly', async () => {
    const { url, post, registry } = await start({ maxBodyBytes: 100_000 })
    const slow = Array.from({ length: 40 }, () => openRequest(url))
    for (const one of slow) one.write('x'.repeat(90_000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const held = (await registry.getSingleMetric('halfshake_ingest_held_bytes')?.get())?.values[0]?.value ?? 0
    expect(held).toBeGreaterThan(500_000)
    expect(held).toBeLessThanOrEqual(100_000 * 12)
    expect(await post(`${'y'.repeat(99_000)}\n`.repeat(1))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    })
    for (const one of slow) one.destroy()
    await expect
      .poll(
        async () => (await registry.getSingleMetric('halfshake_ingest_held_bytes')?.get())?.values[0]?.value,
      )
      .toBe(0)
    expect(await post(serializeEvents([event('a')]))).toMatchObject({ status: 202 })
  })

  it('answers a foreign method and path as a problem', async () => {
    const { url } = await start()
    const answer = await fetch(`${url}/v1/nowhere`)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ type: '/problems/not-found' })
  })
})

async function start({
  publish = async (batch: Batch): Promise<Receipt> => ({
    accepted: batch.events.length + batch.opened,
    rejected: batch.refused.length,
    duplicate: false,
  }),
  tokens = [] as Parameters<typeof createAuthorize>[0],
  maxBodyBytes = 100_000,
}: {
  publish?: Bus['publish']
  tokens?: Parameters<typeof createAuthorize>[0]
  maxBodyBytes?: number
} = {}) {
  const published: Batch[] = []
  const registry = new Registry()
  const router = createIngestRouter({
    bus: {
      publish: (batch) => {
        published.push(batch)
        return publish(batch)
      },
    },
    authorize: createAuthorize(tokens),
    limits: { maxBodyBytes, maxLineBytes: 64_000, retentionMs: 3_600_000 },
    registry,
    now: () => NOW,
    log,
  })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, routers: [router], log })
  await server.start()
  servers.push(server)
  const url = server.url()
  const post = async (body: string | Buffer, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/v1/events`, {
      method: 'POST',
      body,
      headers: { ...HEADERS, ...headers },
    })
    return {
      status: answer.status,
      type: answer.headers.get('content-type')?.split(';')[0],
      headers: Object.fromEntries(answer.headers),
      body: (await answer.json()) as Record<string, unknown>,
    }
  }
  return { url, post, published, registry }
}

const HEADERS = {
  'content-type': 'application/x-ndjson',
  'halfshake-agent': 'edge-1',
  'halfshake-epoch': '99',
  'halfshake-sequence': '1',
}

/** A request whose body is sent piece by piece and never ended. */
function openRequest(url: string): ClientRequest {
  const open = request(`${url}/v1/events`, { method: 'POST', headers: HEADERS })
  open.on('error', () => undefined)
  open.on('response', (answer) => answer.resume())
  return open
}

function event(id: string, given: Partial<DecidingEvent> = {}): DecidingEvent {
  return {
    v: 1,
    id,
    state: 'active',
    opened_at: NOW - 100,
    decided_at: NOW - 50,
    source_address: '192.0.2.7',
    source_port: 40_000,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 517,
    bytes_out: 4_100,
    ...given,
  } as DecidingEvent
}
