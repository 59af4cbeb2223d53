import { afterEach, describe, expect, test } from 'vitest'
import type { ClosedEvent } from '../core/event/index.ts'
import { createIdentity } from './identity.ts'
import { createOnce } from './log.ts'
import { readOptions } from './options.ts'
import { createReporter, type Reporter } from './reporter/reporter.ts'
import { type Handler, type Sink, startSink } from './testing/sink.ts'
import { until } from './testing/wait.ts'

let sink: Sink
let reporter: Reporter
let said: string[]
afterEach(async () => {
  await reporter.close(0)
  await sink.close()
})

async function start(handler?: Handler, options: object = {}) {
  sink = await startSink(handler)
  said = []
  const say = (_fields: object, message: string) => void said.push(message)
  const log = { debug: say, info: () => undefined, warn: say, error: say }
  const given = {
    url: sink.url,
    agent: 'edge',
    batch: { events: 10, delay: 20 },
    requestTimeout: 500,
    ...options,
  }
  const settings = readOptions(given, { agent: 'host', log })
  const clock = { date: () => Date.now(), steady: () => performance.now() }
  // Without jitter, to the short side.
  const { epoch } = createIdentity(Date.now())
  reporter = createReporter({ settings, epoch, clock, random: () => 0, once: createOnce() })
}

function event(number: number): ClosedEvent {
  return {
    ...{ v: 1, id: `c.${number}`, state: 'closed', ended_by: 'fin', bytes_in: 0, bytes_out: 0 },
    ...{ opened_at: 1_700_000_000_000, decided_at: 1_700_000_000_001 },
    ...{
      source_address: '192.0.2.1',
      source_port: 1,
      destination_address: '192.0.2.2',
      destination_port: 443,
    },
  }
}

function report(from: number, to: number): string[] {
  const ids: string[] = []
  for (let number = from; number < to; number += 1) {
    reporter.report(event(number))
    ids.push(`c.${number}`)
  }
  return ids
}

const storedIds = () => sink.stored.map(({ id }) => id)

/** Misbehaves on the first requests, one misdeed each, then takes all. */
function misbehaving(misdeeds: Handler[]): Handler {
  return (handling) => (misdeeds.shift() ?? (({ accept }: Parameters<Handler>[0]) => accept()))(handling)
}
const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  ({ response }) =>
    response.writeHead(code, headers).end('{"detail":"because"}')

/** Stores the batch, but the agent does not learn of it. */
const resetAfterStoring: Handler = ({ store, request }) => {
  store()
  request.socket.resetAndDestroy()
}
const resetMidAnswer: Handler = ({ store, response, request }) => {
  store()
  response.writeHead(202, { 'content-length': '1000' })
  response.write('{"acc', () => setTimeout(() => request.socket.resetAndDestroy(), 20))
}
const hang: Handler = ({ store }) => store()
const hangWithoutStoring: Handler = () => undefined

describe('every event is stored exactly once', () => {
  const MISDEEDS: [string, Handler[]][] = [
    ['all is well', []],
    [
      '429 and 503 with Retry-After',
      [status(429, { 'retry-after': '0' }), status(503, { 'retry-after': '1' })],
    ],
    ['500, 502 and 408', [status(500), status(502), status(408)]],
    ['a request that hangs', [hangWithoutStoring]],
    ['a request that hangs after the batch was stored', [hang]],
    ['a reset before the answer', [resetAfterStoring, ({ request }) => request.socket.resetAndDestroy()]],
    ['a reset in the middle of the answer', [resetMidAnswer, resetMidAnswer]],
    [
      'all of it',
      [status(503), hang, resetMidAnswer, status(429, { 'retry-after': '0' }), resetAfterStoring],
    ],
  ]
  test.each(MISDEEDS)('with %s', async (_title, misdeeds) => {
    await start(misbehaving([...misdeeds]))
    const ids = report(0, 57)
    await until(() => sink.stored.length === 57 && reporter.waiting.events === 0, 'all events stored')
    expect(storedIds()).toEqual(ids)
    const { delivered, duplicate, reported } = reporter.counts
    expect(delivered + duplicate).toBe(reported)
  })
})

test('a repeat has the same bytes and the same numbers, and sequences go up by one from 1', async () => {
  await start(misbehaving([status(500), hang]))
  report(0, 30)
  await until(() => reporter.counts.delivered + reporter.counts.duplicate === 30)
  const [first, second, third] = sink.requests
  for (const repeat of [second, third]) {
    expect(repeat?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
    expect(repeat).toMatchObject({ sequence: 1, epoch: first?.epoch })
  }
  expect(sink.requests.slice(2).map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  expect(reporter.counts.duplicate).toBe(10)
})

test('one batch is under way at a time', async () => {
  let under = 0
  let most = 0
  await start(({ accept }) => {
    under += 1
    most = Math.max(most, under)
    setTimeout(() => {
      under -= 1
      accept()
    }, 20)
  })
  report(0, 100)
  await until(() => sink.stored.length === 100)
  expect(most).toBe(1)
})

test('the token, the name and the content type are sent', async () => {
  await start(undefined, { token: 't0ken' })
  report(0, 1)
  await until(() => sink.stored.length === 1)
  expect(sink.requests[0]).toMatchObject({
    agent: 'edge',
    authorization: 'Bearer t0ken',
    contentType: 'application/x-ndjson',
  })
})

test('a batch too large is halved, under new numbers, until it fits', async () => {
  await start(({ received, response, accept }) => {
    if (received.events.length > 3) response.writeHead(413).end()
    else accept()
  })
  const ids = report(0, 20)
  await until(() => sink.stored.length === 20)
  expect(storedIds().sort()).toEqual(ids.sort())
  const sequences = sink.requests.map(({ sequence }) => sequence)
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
})

test('one event that is too large is given up, and counted', async () => {
  await start(({ received, response, accept }) => {
    if (received.events.some(({ id }) => id === 'c.3')) response.writeHead(413).end()
    else accept()
  })
  report(0, 10)
  await until(() => reporter.waiting.events === 0)
  expect(sink.stored).toHaveLength(9)
  expect(reporter.counts.rejected).toEqual({ http_413: 1 })
})

test.each([400, 415, 422])(
  'a batch refused with %i is given up, counted, said once, and the next goes on',
  async (code) => {
    await start(misbehaving([status(code), status(code)]))
    report(0, 30)
    await until(() => reporter.waiting.events === 0)
    expect(storedIds()).toEqual(Array.from({ length: 10 }, (_, index) => `c.${20 + index}`))
    expect(reporter.counts.rejected).toEqual({ [`http_${code}`]: 20 })
    expect(said).toEqual([expect.stringContaining('because')])
  },
)

test('events ingest rejects are counted by its reason, and said once for each', async () => {
  await start(({ response }) => {
    const error = (line: number, reason: string) => ({
      line,
      field: 'id',
      reason,
      message: 'odd',
      allowed: 'even',
    })
    const errors = [error(1, 'bad_value'), error(2, 'bad_value'), error(3, 'clock')]
    response.writeHead(202).end(JSON.stringify({ accepted: 6, rejected: 4, duplicate: 0, errors }))
  })
  report(0, 20)
  await until(() => reporter.waiting.events === 0)
  expect(reporter.counts).toMatchObject({ delivered: 12, rejected: { bad_value: 4, clock: 2, unlisted: 2 } })
  expect(said).toHaveLength(2)
})

test.each([401, 403, 404, 200])('with %i the events are kept, which is said once', async (code) => {
  await start(status(code))
  report(0, 30)
  await until(() => reporter.waiting.batches === 3 && said.length > 0)
  expect(reporter.waiting.events).toBe(30)
  expect(said).toEqual([expect.stringContaining(`http_${code}`)])
  expect(reporter.counts.rejected).toEqual({})
  expect(sink.requests).toHaveLength(1)
})

test('an ingest that comes back is told of, after the trouble was', async () => {
  await start(misbehaving([status(500), status(500), status(500)]))
  report(0, 10)
  await until(() => reporter.waiting.events === 0)
  expect(said).toEqual([expect.stringMatching(/cannot be reached/)])
})

test('the spool is bounded: what is dropped is counted, the latest is kept', async () => {
  await start(hangWithoutStoring, {
    spool: { maxBytes: 65_536 },
    batch: { events: 1, delay: 5 },
    requestTimeout: 600_000,
  })
  const total = 1500
  for (let number = 0; number < total; number += 1) {
    reporter.report(event(number))
    if (number % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (number % 50 === 0) await until(() => reporter.waiting.batches + dropped() >= number - 60)
  }
  await until(() => reporter.waiting.batches + dropped() === total)
  expect(reporter.waiting.bytes).toBeLessThanOrEqual(65_536)
  expect(dropped()).toBeGreaterThan(0)
  expect(reporter.waiting.events + dropped()).toBe(total)
  expect(said.filter((line) => line.includes('full'))).toHaveLength(1)
})

function dropped(): number {
  return Object.values(reporter.counts.dropped).reduce((sum, count) => sum + count, 0)
}

describe('close', () => {
  test('sends what there is without waiting for the batch to fill', async () => {
    await start(undefined, { batch: { events: 1000, delay: 60_000 } })
    const ids = report(0, 25)
    await reporter.close(5000)
    expect(storedIds()).toEqual(ids)
  })

  test('does not wait for an ingest that is away longer than it may, and counts what is lost', async () => {
    await start(hangWithoutStoring)
    report(0, 25)
    await reporter.close(50)
    expect(reporter.counts.dropped).toEqual({ stopped: 25 })
    expect(said).toEqual([expect.stringContaining('25 events')])
  })

  test('gives up at once when ingest asks for more patience than there is', async () => {
    await start(status(503, { 'retry-after': '600' }))
    report(0, 10)
    await reporter.close(60_000)
    expect(sink.requests).toHaveLength(1)
    expect(reporter.counts.dropped).toEqual({ stopped: 10 })
  })

  test('tries once more at once when it was only waiting between attempts', async () => {
    await start(status(500))
    report(0, 10)
    await until(() => sink.requests.length === 3)
    sink.handle(({ accept }) => accept())
    await reporter.close(60_000)
    expect(sink.stored).toHaveLength(10)
  })
})
