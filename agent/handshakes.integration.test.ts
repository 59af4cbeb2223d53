import { type AddressInfo, createConnection, createServer as createTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect, type TlsOptions } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { ConnectionEvent } from '../core/event/index.ts'
import { createCertificate } from './testing/certificate.ts'
import { HALF_HELLO, openssl, rawClient } from './testing/clients.ts'
import { certificate, startObserved, stopAll } from './testing/observed.ts'
import { until } from './testing/wait.ts'

afterEach(stopAll)

type Client = (port: number) => Promise<unknown>
type Case = {
  title: string
  server?: TlsOptions
  client: Client
  expected: Partial<ConnectionEvent> | object
}

const other = createCertificate('other.example')
const { keyFile, certFile } = certificate()
const clientCertificate = { requestCert: true, rejectUnauthorized: true }
const name = ['-servername', 'www.example.net']

const CASES: Case[] = [
  {
    title: 'a completed TLS 1.3 handshake',
    server: { ALPNProtocols: ['h2', 'http/1.1'] },
    client: (port) => openssl(port, ...name, '-tls1_3', '-alpn', 'http/1.1'),
    expected: {
      state: 'active',
      tls_version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      alpn: 'http/1.1',
      server_name: 'www.example.net',
    },
  },
  {
    title: 'a completed TLS 1.2 handshake, the cipher by its IANA name',
    client: (port) => openssl(port, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'),
    expected: { state: 'active', tls_version: 'TLSv1.2', cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
  },
  {
    title: "the client's alert unknown_ca in TLS 1.3",
    client: (port) => openssl(port, ...name, '-tls1_3', '-verify_return_error', '-CAfile', other.certFile),
    expected: {
      ...{ ended_by: 'alert', alert: 48, alert_side: 'client', error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' },
      ...{ tls_version: 'TLSv1.3', server_name: 'www.example.net' },
    },
  },
  {
    title: "the client's alert unknown_ca in TLS 1.2",
    client: (port) => openssl(port, '-tls1_2', '-verify_return_error', '-CAfile', other.certFile),
    expected: { ended_by: 'alert', alert: 48, alert_side: 'client', tls_version: 'TLSv1.2' },
  },
  {
    title: 'no shared version, client too old',
    server: { minVersion: 'TLSv1.3' },
    client: (port) => openssl(port, '-tls1_2'),
    expected: { ended_by: 'alert', alert: 70, alert_side: 'server', error: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  },
  {
    title: 'no shared version, client too new',
    server: { maxVersion: 'TLSv1.2' },
    client: (port) => openssl(port, '-tls1_3'),
    expected: { ended_by: 'alert', alert: 70, alert_side: 'server', error: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  },
  {
    title: 'no shared cipher in TLS 1.2',
    server: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' },
    client: (port) => openssl(port, ...name, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'),
    expected: {
      ...{ ended_by: 'alert', alert: 40, alert_side: 'server', error: 'ERR_SSL_NO_SHARED_CIPHER' },
      server_name: 'www.example.net',
    },
  },
  {
    title: 'no shared cipher in TLS 1.3',
    server: { ciphers: 'TLS_AES_128_GCM_SHA256' },
    client: (port) => openssl(port, '-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'),
    expected: { ended_by: 'alert', alert: 40, alert_side: 'server', error: 'ERR_SSL_NO_SHARED_CIPHER' },
  },
  {
    title: 'no shared group',
    server: { ecdhCurve: 'P-384' },
    client: (port) => openssl(port, '-tls1_3', '-groups', 'P-256'),
    expected: { ended_by: 'alert', alert: 40, alert_side: 'server', error: 'ERR_SSL_NO_SUITABLE_KEY_SHARE' },
  },
  {
    title: 'no signature algorithm for the certificate',
    client: (port) => openssl(port, '-tls1_3', '-sigalgs', 'RSA-PSS+SHA256'),
    expected: { ended_by: 'alert', alert: 40, alert_side: 'server' },
  },
  {
    title: 'no shared application protocol',
    server: { ALPNProtocols: ['h2'] },
    client: (port) => openssl(port, '-alpn', 'other/1'),
    expected: {
      ended_by: 'alert',
      alert: 120,
      alert_side: 'server',
      error: 'ERR_SSL_NO_APPLICATION_PROTOCOL',
    },
  },
  {
    title: 'a client certificate required and missing, TLS 1.3',
    server: clientCertificate,
    client: (port) => openssl(port, '-tls1_3'),
    expected: { ended_by: 'alert', alert: 116, alert_side: 'server', tls_version: 'TLSv1.3' },
  },
  {
    title: 'a client certificate required and missing, TLS 1.2',
    server: clientCertificate,
    client: (port) => openssl(port, '-tls1_2'),
    expected: { ended_by: 'alert', alert: 40, alert_side: 'server', tls_version: 'TLSv1.2' },
  },
  {
    title: 'a client certificate that the server does not trust: Node closes without an alert',
    server: clientCertificate,
    client: (port) => openssl(port, '-tls1_3', '-cert', certFile, '-key', keyFile),
    expected: { ended_by: 'error', error: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
  },
  {
    title: 'plain HTTP',
    client: (port) => rawClient(port, (socket) => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')),
    expected: { ended_by: 'error', error: 'ERR_SSL_HTTP_REQUEST', bytes_in: 27 },
  },
  {
    title: 'garbage',
    client: (port) => rawClient(port, (socket) => socket.write(Buffer.alloc(100, 0xaa))),
    expected: { ended_by: 'error', error: 'ERR_SSL_WRONG_VERSION_NUMBER', bytes_in: 100 },
  },
  {
    title: 'garbage in a handshake record',
    client: (port) =>
      rawClient(port, (socket) =>
        socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 9]), Buffer.alloc(9, 0xaa)])),
      ),
    expected: { ended_by: 'error', error: 'ERR_SSL_UNEXPECTED_MESSAGE' },
  },
  {
    title: 'an RST without a byte',
    client: (port) => rawClient(port, (socket) => socket.resetAndDestroy()),
    expected: { ended_by: 'reset', error: 'ECONNRESET', bytes_in: 0, bytes_out: 0 },
  },
  {
    title: 'an RST after half a hello',
    client: (port) =>
      rawClient(port, (socket) =>
        socket.write(HALF_HELLO, () => setTimeout(() => socket.resetAndDestroy(), 100)),
      ),
    expected: { ended_by: 'reset', error: 'ECONNRESET', bytes_in: HALF_HELLO.length },
  },
  {
    title: 'a FIN without a byte',
    client: (port) => rawClient(port, (socket) => socket.end()),
    expected: { ended_by: 'fin', bytes_in: 0 },
  },
  {
    title: 'a FIN after half a hello',
    client: (port) => rawClient(port, (socket) => socket.end(HALF_HELLO)),
    expected: { ended_by: 'fin', bytes_in: HALF_HELLO.length },
  },
  {
    title: 'silence until the deadline',
    client: (port) => rawClient(port, () => undefined),
    expected: { ended_by: 'timeout', bytes_in: 0, bytes_out: 0, tcp_segs_in: 0 },
  },
  {
    title: 'silence after half a hello until the deadline',
    client: (port) => rawClient(port, (socket) => socket.write(HALF_HELLO)),
    expected: { ended_by: 'timeout', bytes_in: HALF_HELLO.length, bytes_out: 0, tcp_segs_in: 1, tcp_ooo: 0 },
  },
  {
    title: 'a server that does not get to answer before its deadline: it knows what name was asked for',
    server: { SNICallback: () => undefined },
    client: (port) => openssl(port, ...name),
    expected: { ended_by: 'timeout', bytes_out: 0, server_name: 'www.example.net' },
  },
]

describe('what becomes of a handshake is reported as it was', () => {
  test.each(CASES)('$title', async ({ server, client, expected }) => {
    const observed = await startObserved({ handshakeTimeout: 600 }, server)
    const before = Date.now()
    await client(observed.port)
    const events = await observed.events(1)
    expect(events).toEqual([expect.objectContaining(expected)])
    expect(events[0]).toMatchObject({
      source_address: '127.0.0.1',
      destination_address: '127.0.0.1',
      destination_port: observed.port,
    })
    expect(events[0]?.source_port).toBeGreaterThan(0)
    expect(events[0]?.opened_at).toBeGreaterThanOrEqual(before)
    expect(await observed.finish()).toHaveLength(1)
    expect(observed.sink.requests.every(({ refused }) => refused === 0)).toBe(true)
  })

  test("node's own handshakeTimeout is a timeout too, and the server's business", async () => {
    const observed = await startObserved({ handshakeTimeout: 0 }, { handshakeTimeout: 200 })
    observed.server.on('tlsClientError', (_error, socket) => socket.destroy())
    await rawClient(observed.port, () => undefined)
    expect(await observed.events(1)).toEqual([
      expect.objectContaining({ ended_by: 'timeout', error: 'ERR_TLS_HANDSHAKE_TIMEOUT' }),
    ])
  })

  test('without a deadline a silent client is left alone', async () => {
    const observed = await startObserved({ handshakeTimeout: 0 })
    let closed = false
    void rawClient(observed.port, () => undefined).then(() => {
      closed = true
    })
    await until(() => observed.observation.stats().kernel.looks >= 2)
    expect(closed).toBe(false)
    expect(await observed.finish()).toEqual([expect.objectContaining({ ended_by: 'agent_stopped' })])
  })

  test('the application closing the socket is an error of our side, not one of the client', async () => {
    const observed = await startObserved()
    observed.server.on('connection', (socket: Socket) => socket.destroy())
    await rawClient(observed.port, () => undefined)
    expect(await observed.events(1)).toEqual([
      expect.objectContaining({ ended_by: 'error', error: 'server_closed' }),
    ])
  })

  test('close() reports what is undecided as agent_stopped and leaves the connection alone', async () => {
    const observed = await startObserved()
    const socket = createConnection(observed.port, '127.0.0.1')
    await until(() => observed.observation.stats().handshakes.open === 1)
    expect(await observed.finish()).toEqual([expect.objectContaining({ ended_by: 'agent_stopped' })])
    // The handshake goes on as if there had never been an agent.
    const secure = new Promise((resolve) => observed.server.once('secureConnection', resolve))
    connect({ socket, rejectUnauthorized: false })
    await secure
    expect(observed.sink.stored).toHaveLength(1)
    socket.destroy()
  })

  test('a server that closes in the middle of a handshake does not lose it', async () => {
    const observed = await startObserved({ handshakeTimeout: 500 })
    const client = rawClient(observed.port, () => undefined)
    await until(() => observed.observation.stats().handshakes.open === 1)
    const closed = new Promise((resolve) => observed.server.close(resolve))
    await Promise.all([client, closed])
    expect(await observed.events(1)).toEqual([expect.objectContaining({ ended_by: 'timeout' })])
  })

  test('a stream handed to the server, no socket, has an event too: without an address', async () => {
    const observed = await startObserved()
    const [near, far] = duplexPair()
    observed.server.emit('connection', far)
    const client = connect({ socket: near, rejectUnauthorized: false })
    client.on('error', () => undefined)
    const events = await observed.events(1)
    expect(events[0]).toMatchObject({ state: 'active', source_address: '::', source_port: 0 })
    client.destroy()
  })

  test('a stream that stays silent is ended at the deadline too', async () => {
    const observed = await startObserved({ handshakeTimeout: 300 })
    const [near, far] = duplexPair()
    observed.server.emit('connection', far)
    expect(await observed.events(1)).toEqual([expect.objectContaining({ ended_by: 'timeout' })])
    expect(far.destroyed).toBe(true)
    near.destroy()
  })

  test('a stream that ends before its handshake is done is found on the rounds', async () => {
    const observed = await startObserved()
    const [near, far] = duplexPair()
    observed.server.emit('connection', far)
    near.end()
    expect(await observed.events(1)).toEqual([expect.objectContaining({ ended_by: 'fin' })])
  })

  test('a socket accepted by another server and handed over keeps its addresses', async () => {
    const observed = await startObserved()
    const front = createTcp((socket) => observed.server.emit('connection', socket))
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    // An address of a listening TCP server is never a string.
    const { port } = front.address() as AddressInfo
    await openssl(port)
    expect(await observed.events(1)).toEqual([
      expect.objectContaining({ state: 'active', destination_port: port, source_address: '127.0.0.1' }),
    ])
    front.close()
  })

  test('with pauseOnConnect the handshake is decided all the same', async () => {
    const observed = await startObserved({ handshakeTimeout: 500 }, { pauseOnConnect: true })
    await rawClient(observed.port, () => undefined)
    expect(await observed.events(1)).toEqual([expect.objectContaining({ ended_by: 'timeout' })])
  })

  test('reportNew adds an event for each accept, under the same id', async () => {
    const observed = await startObserved({ reportNew: true })
    await openssl(observed.port)
    const events = await observed.events(2)
    expect(events.map((event) => event.state)).toEqual(['new', 'active'])
    expect(new Set(events.map((event) => event.id)).size).toBe(1)
  })

  test('a server name the contract would refuse is left out, the event is not', async () => {
    const observed = await startObserved()
    // OpenSSL's client sends the name as it is given.
    await openssl(observed.port, '-servername', 'a\u0001b.example')
    const events = await observed.events(1)
    expect(events[0]).toMatchObject({ state: 'active' })
    expect(events[0]?.server_name).toBeUndefined()
    expect(observed.sink.requests[0]?.refused).toBe(0)
  })
})

/** Two streams, each readable where the other is written. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      // As a socket: what the peer ends is ended here too.
      allowHalfOpen: false,
      read: () => undefined,
      write(chunk, _encoding, done) {
        other().push(chunk)
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const near: Duplex = make(() => far)
  const far: Duplex = make(() => near)
  return [near, far]
}
