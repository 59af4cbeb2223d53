import { once } from 'node:events'
import * as http from 'node:http'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import * as tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { ObserveError, observe } from './index.ts'
import { HALF_HELLO, handshake, rawClient } from './testing/clients.ts'
import { certificate, startObserved, stopAll } from './testing/observed.ts'

afterEach(stopAll)

describe('the ledger', () => {
  test('has exactly one deciding event for each of 200 connections that come at once', async () => {
    const observed = await startObserved({ handshakeTimeout: 1500, batch: { events: 7, delay: 10 } })
    const { port } = observed
    const kinds: (() => Promise<unknown>)[] = [
      () => handshake(port),
      () => rawClient(port, (socket) => socket.end()),
      () => rawClient(port, (socket) => socket.resetAndDestroy()),
      () => rawClient(port, (socket) => socket.write(Buffer.alloc(64, 0xaa))),
      () => rawClient(port, (socket) => socket.write('GET / HTTP/1.0\r\n\r\n')),
      () => rawClient(port, () => undefined),
      () => rawClient(port, (socket) => socket.write(HALF_HELLO)),
      () => handshake(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    ]
    await Promise.all(Array.from({ length: 200 }, (_, index) => kinds[index % kinds.length]?.()))
    const events = await observed.finish()
    const { handshakes } = observed.observation.stats()
    expect(events).toHaveLength(200)
    expect(new Set(events.map(({ id }) => id)).size).toBe(200)
    const endings = events.map((event) => (event.state === 'closed' ? event.ended_by : event.state)).sort()
    expect(endings).toEqual(
      ['active', 'alert', 'error', 'error', 'fin', 'reset', 'timeout', 'timeout'].flatMap((kind) =>
        Array(25).fill(kind),
      ),
    )
    expect(handshakes).toMatchObject({ accepted: 200, active: 25, open: 0 })
    expect(observed.observation.stats().kernel.looks).toBeGreaterThan(0)
  })

  test('has one event for a connection kept alive, and lets a slow upload run past the deadline', async () => {
    let uploaded = 0
    const server = https.createServer(certificate(), (request, response) => {
      request.on('data', (chunk: Buffer) => {
        uploaded += chunk.length
      })
      request.on('end', () => response.end('thanks'))
    })
    const observed = await startObserved({ handshakeTimeout: 300 }, server)
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
    const options = { port: observed.port, host: '127.0.0.1', method: 'POST', agent }
    for (let round = 0; round < 2; round += 1) {
      const request = https.request(options)
      for (let part = 0; part < 6; part += 1) {
        request.write(Buffer.alloc(1000))
        await sleep(100)
      }
      request.end()
      const [response] = await once(request, 'response')
      response.resume()
      await once(response, 'end')
      // Idle past the deadline too.
      await sleep(400)
    }
    agent.destroy()
    expect(uploaded).toBe(12_000)
    expect(await observed.finish()).toEqual([expect.objectContaining({ state: 'active' })])
  })

  test.each([false, true])(
    'counts an http2 connection once, whatever its streams (allowHTTP1 %s)',
    async (allowHTTP1) => {
      const server = http2.createSecureServer({ ...certificate(), allowHTTP1 }, (_request, response) =>
        response.end('hi'),
      )
      const observed = await startObserved({}, server)
      const client = http2.connect(`https://localhost:${observed.port}`, { rejectUnauthorized: false })
      for (let stream = 0; stream < 3; stream += 1) {
        const request = client.request({ ':path': '/' })
        request.resume()
        await once(request, 'end')
      }
      client.close()
      await once(client, 'close')
      expect(await observed.finish()).toEqual([
        expect.objectContaining({ state: 'active', alpn: 'h2', server_name: 'localhost' }),
      ])
    },
  )
})

describe('observe', () => {
  test('refuses a server that speaks no TLS', () => {
    // What TypeScript forbids, JavaScript lets through.
    const server = http.createServer() as unknown as tls.Server
    expect(() => observe(server, { url: 'http://localhost' })).toThrow(ObserveError)
    expect(() => observe(server, { url: 'http://localhost' })).toThrow(/no TLS server/)
    expect(server.listenerCount('connection')).toBe(1)
  })

  test('refuses a server that is observed already, and takes it again after close()', async () => {
    const observed = await startObserved()
    expect(() => observe(observed.server, { url: observed.sink.url })).toThrow(/observed already/)
    await observed.observation.close()
    const again = observe(observed.server, { url: observed.sink.url })
    await again.close()
  })

  test('refuses options that are wrong before it touches the server', () => {
    const server = tls.createServer()
    expect(() => observe(server, { url: 'nowhere' })).toThrow(/url is "nowhere"/)
    expect(server.listenerCount('tlsClientError')).toBe(0)
    expect(() => observe(server, { url: 'nowhere' })).not.toThrow(/already/)
  })

  test('leaves nothing behind on the server or the process after close()', async () => {
    const server = tls.createServer(certificate())
    const listeners = () => [
      ...['connection', 'secureConnection', 'tlsClientError'].map((name) => server.listenerCount(name)),
      ...['SIGTERM', 'beforeExit', 'exit'].map((name) => process.listenerCount(name)),
    ]
    const before = listeners()
    const observation = observe(server, { url: 'http://127.0.0.1:9' })
    expect(listeners()).not.toEqual(before)
    await Promise.all([observation.close(), observation.close()])
    expect(listeners()).toEqual(before)
    expect(Object.getOwnPropertySymbols(server).map(String).join()).not.toContain('halfshake')
  })

  test('gives every run an epoch of its own, also within one millisecond', async () => {
    const observations = Array.from({ length: 5 }, () =>
      observe(tls.createServer(), { url: 'http://127.0.0.1:9', stopOnSigterm: false }),
    )
    expect(new Set(observations.map((one) => one.stats().epoch)).size).toBe(5)
    await Promise.all(observations.map((one) => one.close()))
  })

  test('accounts for every event it was handed', async () => {
    const observed = await startObserved()
    await handshake(observed.port)
    await observed.finish()
    const { events } = observed.observation.stats()
    const sum = (counts: Record<string, number>) =>
      Object.values(counts).reduce((total, count) => total + count, 0)
    expect(events.reported + events.adopted).toBe(
      events.delivered + events.duplicate + sum(events.rejected) + sum(events.dropped) + events.waiting,
    )
    expect(events.delivered).toBe(1)
  })
})
