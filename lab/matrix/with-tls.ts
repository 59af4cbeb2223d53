import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'
import type { Attempt } from './messages.ts'
import { open } from './without-tls.ts'

/** Real TLS clients. None of them rejects: what became of the handshake is for the observers to say. */

export function withNode(attempt: Attempt): Promise<void> {
  return speak({ ...optionsOf(attempt), socket: open(attempt) }, attempt)
}

/** The same client behind a line that takes only so many bytes at a time. */
export function withSlowNode(attempt: Attempt, pace: { bytes: number; everyMs: number }): Promise<void> {
  const socket = open(attempt)
  const line = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const pieces = Array.from({ length: Math.ceil(chunk.length / pace.bytes) }, (_, i) =>
        chunk.subarray(i * pace.bytes, (i + 1) * pace.bytes),
      )
      const next = () => {
        const piece = pieces.shift()
        if (piece === undefined || socket.destroyed) return done()
        socket.write(piece)
        setTimeout(next, pace.everyMs)
      }
      next()
    },
    destroy(_error, done) {
      socket.destroy()
      done(null)
    },
  })
  socket.on('data', (chunk) => line.push(chunk)).on('close', () => line.push(null))
  return speak({ ...optionsOf(attempt), socket: line }, attempt)
}

function optionsOf({ serverName, ca, protocols, maxVersion, ciphers, pair }: Attempt): ConnectionOptions {
  return {
    servername: serverName,
    ca: readFileSync(ca),
    ALPNProtocols: [...protocols],
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(pair === undefined ? {} : { key: readFileSync(pair.key), cert: readFileSync(pair.cert) }),
  }
}

function speak(options: ConnectionOptions, { serverName, patience }: Attempt): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(options)
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve()
    }
    const timer = setTimeout(end, patience)
    socket.on('secureConnect', () => {
      socket.write(`GET / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`)
    })
    // The first of the answer: the handshake is done on both sides.
    socket.on('data', end)
    socket.on('error', end)
    socket.on('close', end)
  })
}

export function withOpenssl(attempt: Attempt): Promise<void> {
  const { from, to, port, serverName, ca, protocols, maxVersion, ciphers, pair, patience } = attempt
  const endpoint = (address: string, at: number) =>
    isIPv6(address) ? `[${address}]:${at}` : `${address}:${at}`
  const args = [
    's_client',
    ...['-connect', endpoint(to, port), '-bind', endpoint(from, 0)],
    ...['-servername', serverName, '-verify_hostname', serverName],
    ...['-alpn', protocols.join(',')],
    ...['-CAfile', ca, '-verify_return_error'],
    ...(maxVersion === undefined ? [] : ['-tls1_2']),
    ...(ciphers === undefined ? [] : ['-cipher', ciphers]),
    ...(pair === undefined ? [] : ['-cert', pair.cert, '-key', pair.key]),
  ]
  return new Promise((resolve) => {
    // Nothing on its standard input: it leaves when the handshake is done.
    const child = execFile('openssl', args, { timeout: patience, killSignal: 'SIGKILL' }, () => resolve())
    child.stdin?.end()
  })
}
