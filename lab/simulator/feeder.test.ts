import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { type DecidingEvent, parseEvents } from '../../core/event/index.ts'
import { createFeed } from './feed.ts'
import { createFeeder } from './feeder.ts'
import { MINUTE_MS } from './rhythm.ts'
import type { Traffic } from './traffic.ts'

type Received = { headers: IncomingHttpHeaders; ids: string[] }
type Reply = { status: number; headers?: Record<string, string>; body?: object }

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** An HTTP server that takes batches as the ingest does, and answers what the test says (else 202). */
async function ingest(replies: Reply[] = []) {
  const received: Received[] = []
  const accepted: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { events, refused } = parseEvents(gunzipSync(Buffer.concat(chunks)))
    if (refused.length > 0) throw new Error(refused[0]?.message)
    const ids = events.map(({ event }) => event.id)
    received.push({ headers: request.headers, ids })
    const reply = replies.shift() ?? { status: 202 }
    if (reply.status === 202) accepted.push(...ids)
    const body = { accepted: ids.length, rejected: 0, duplicate: false, errors: [], ...reply.body }
    response.writeHead(reply.status, reply.headers).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.closeAllConnections())
  closers.push(() => server.close())
  return { received, accepted, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function event(id: string, decided_at: number): DecidingEvent {
  return {
    v: 1,
    id,
    state: 'active',
    opened_at: decided_at - 10,
    decided_at,
    source_address: '198.51.100.1',
    source_port: 1,
    destination_address: '192.0.2.1',
    destination_port: 443,
    bytes_in: 500,
    bytes_out: 3000,
  }
}

const START = Math.floor(Date.UTC(2026, 0, 1) / MINUTE_MS)
const events = (count: number) =>
  Array.from({ length: count }, (_, at) => event(`e${at}`, START * MINUTE_MS + at))

test('batches bear agent, epoch, token and a sequence from 1 for each agent', async () => {
  const { url, received } = await ingest()
  const feeder = createFeeder({ url: `${url}/`, token: 'hs_secret', epoch: 17 })
  await feeder.send('fra1', events(2001))
  await feeder.send('iad1', events(1))
  const seen = received.map(({ headers, ids }) => [
    headers['halfshake-agent'],
    headers['halfshake-epoch'],
    headers['halfshake-sequence'],
    headers.authorization,
    ids.length,
  ])
  expect(seen).toEqual([
    ['fra1', '17', '1', 'Bearer hs_secret', 2000],
    ['fra1', '17', '2', 'Bearer hs_secret', 1],
    ['iad1', '17', '1', 'Bearer hs_secret', 1],
  ])
  expect(feeder.totals).toEqual({ batches: 3, accepted: 2002, rejected: 0, duplicate: 0, retries: 0 })
})

test('a batch is repeated unchanged until it is taken, after the time the ingest asks for', async () => {
  const busy = { status: 503, headers: { 'retry-after': '3' } }
  const { url, received } = await ingest([busy, { status: 429 }])
  const slept: number[] = []
  const sleep = async (ms: number) => void slept.push(ms)
  const feeder = createFeeder({ url, epoch: 1, sleep })
  await feeder.send('fra1', events(3))
  expect(received.map(({ headers, ids }) => [headers['halfshake-sequence'], ids])).toEqual(
    Array(3).fill(['1', ['e0', 'e1', 'e2']]),
  )
  expect(slept).toEqual([3000, 400])
  expect(feeder.totals).toMatchObject({ batches: 1, accepted: 3, retries: 2 })
})

test('a repeat that had arrived already counts as accepted once', async () => {
  const { url } = await ingest([{ status: 202, body: { accepted: 0, duplicate: true } }])
  const feeder = createFeeder({ url, epoch: 1 })
  await feeder.send('fra1', events(3))
  expect(feeder.totals).toMatchObject({ accepted: 3, duplicate: 1 })
})

test('an ingest that is not there yet is waited for', async () => {
  const { url } = await ingest()
  let tries = 0
  const fetchLater: typeof fetch = (input, init) => {
    tries += 1
    return tries < 3 ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init)
  }
  const feeder = createFeeder({ url, epoch: 1, fetch: fetchLater, sleep: async () => {} })
  await feeder.send('fra1', events(1))
  expect(feeder.totals).toMatchObject({ accepted: 1, retries: 2 })
})

test('a refusal for good is told with what the ingest said', async () => {
  const { url } = await ingest([{ status: 401, body: { detail: 'no token' } }])
  const sending = createFeeder({ url, epoch: 1 }).send('fra1', events(1))
  await expect(sending).rejects.toThrow(/v1\/events answered 401: no token/)
})

test('an abort ends the waiting', async () => {
  const { url } = await ingest(Array.from({ length: 9 }, () => ({ status: 503 })))
  const controller = new AbortController()
  const feeder = createFeeder({ url, epoch: 1, signal: controller.signal })
  const sending = feeder.send('fra1', events(1))
  setTimeout(() => controller.abort(new Error('enough')), 50)
  await expect(sending).rejects.toThrow('enough')
})

/** Six handshakes a minute for each of two agents. */
const traffic: Traffic = {
  agents: ['a', 'b'],
  eventsOfMinute: (minute) =>
    ['a', 'b'].map((agent) => ({
      agent,
      events: Array.from({ length: 6 }, (_, at) =>
        event(`${agent}-${minute}-${at}`, minute * MINUTE_MS + at * 10_000),
      ),
    })),
}

test('history is fed whole and each handshake once, wherever the advances end', async () => {
  const { url, accepted } = await ingest()
  const feeder = createFeeder({ url, epoch: 1 })
  const feed = createFeed({ traffic, feeder, from: START * MINUTE_MS })
  const shares: number[] = []
  await feed.advance((START + 35) * MINUTE_MS + 15_000, ({ done }) => shares.push(done))
  await feed.advance((START + 35) * MINUTE_MS + 30_000)
  await feed.advance((START + 40) * MINUTE_MS)
  expect(feed.through).toBe((START + 40) * MINUTE_MS)
  expect(accepted).toHaveLength(40 * 12)
  expect(new Set(accepted).size).toBe(40 * 12)
  expect(shares).toEqual([...shares].sort((x, y) => x - y))
  expect(shares.at(-1)).toBe(1)
})

test('following the clock sends what was decided meanwhile, until it is told to stop', async () => {
  const { url, accepted } = await ingest()
  const controller = new AbortController()
  let now = START * MINUTE_MS
  const feed = createFeed({ traffic, feeder: createFeeder({ url, epoch: 1 }), from: now })
  const tick = () => {
    now += 20_000
    if (now > (START + 3) * MINUTE_MS) controller.abort()
    return now
  }
  await feed.follow({ signal: controller.signal, now: tick, everyMs: 1 })
  expect(accepted.length).toBeGreaterThanOrEqual(3 * 12)
  expect(new Set(accepted).size).toBe(accepted.length)
})

test('a refusal ends the following with its error', async () => {
  const { url } = await ingest([{ status: 403 }])
  const feed = createFeed({ traffic, feeder: createFeeder({ url, epoch: 1 }), from: START * MINUTE_MS })
  const following = feed.follow({ signal: new AbortController().signal, now: () => (START + 1) * MINUTE_MS })
  await expect(following).rejects.toThrow('403')
})
