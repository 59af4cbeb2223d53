import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { Batch } from '../core/bus/bus.ts'
import { interfaceOf } from '../core/store/http-interface/testing.ts'
import { createServerStore } from '../core/store/server.ts'
import { silent, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createKafkaWorker } from './kafka-worker.ts'

const DAY = 86_400_000
/** As many batches as a range has at most. */
const BATCHES = 500

it('finds repeats among the most batches with the longest names, through a proxy with the usual bound on URLs', async () => {
  await overHttp(async (store) => {
    const worker = createKafkaWorker({ enrich: () => [], store, registry: new Registry() })
    const batches = Array.from({ length: BATCHES }, (_, i) => batchNamed('/'.repeat(124) + (1_000 + i), i))
    const before = batches.filter((_, i) => i % 50 === 7)
    await worker.store(before, 'before')
    expect(await worker.findRepeats(batches)).toEqual(new Set(before))
    expect(await worker.findRepeats([...before, ...before])).toEqual(new Set(before))
    expect(await worker.findRepeats([])).toEqual(new Set())
  })
})

function batchNamed(agent: string, offset: number): Batch {
  return {
    agent,
    epoch: Number.MAX_SAFE_INTEGER - offset,
    sequence: Number.MAX_SAFE_INTEGER - offset,
    received_at: Date.now(),
    bus_partition: 0,
    bus_offset: offset,
    events: [],
    opened: 1,
    refused: [],
  }
}

/** A store over HTTP with a proxy in between. */
async function overHttp(use: (store: ReturnType<typeof createServerStore>) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder()
  const engine = storeAt(folder.path)
  await engine.start()
  const http = await interfaceOf(engine)
  const proxy = await listening(proxyTo(http.url))
  const store = createServerStore({
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    user: 'default',
    password: '',
    database: 'default',
    retention: { raw: 14 * DAY, minutes: 30 * DAY, hours: 400 * DAY },
    log: silent,
  })
  await store.start()
  await use(store)
  await store.stop()
  proxy.close()
  await http.stop()
  await engine.stop()
  await folder.remove()
}

/** Hands requests on, if their head has 8 kB at most, as nginx does (`large_client_header_buffers`). */
function proxyTo(url: string): Server {
  return createServer({ maxHeaderSize: 8_192 }, (asked, answer) => {
    const { method, headers } = asked
    const onward = request(new URL(asked.url ?? '/', url), { method, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers)
      given.pipe(answer)
    })
    asked.pipe(onward)
  })
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
