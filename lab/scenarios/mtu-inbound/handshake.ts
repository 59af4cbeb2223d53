import { execFile } from 'node:child_process'
import { connect as connectTcp, isIPv6 } from 'node:net'
import { connect } from 'node:tls'

export const CLIENT_PROGRAMS = ['node', 'openssl'] as const
export type ClientProgram = (typeof CLIENT_PROGRAMS)[number]

export type Attempt = {
  from: string
  to: string
  port: number
  serverName: string
  ca: { file: string; pem: string }
  protocols: readonly string[]
  /** ms until the client gives up. */
  patience: number
}

/** One TLS handshake with a real client; whether it completed. Never rejects. */
export function handshake(program: ClientProgram, attempt: Attempt): Promise<boolean> {
  return program === 'node' ? withNode(attempt) : withOpenssl(attempt)
}

function withNode({ from, to, port, serverName, ca, protocols, patience }: Attempt): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      socket: connectTcp({ host: to, port, localAddress: from }),
      servername: serverName,
      ca: ca.pem,
      ALPNProtocols: [...protocols],
    })
    const end = (ok: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(ok)
    }
    const timer = setTimeout(() => end(false), patience)
    socket.on('secureConnect', () => {
      socket.write(`GET / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`)
    })
    // The first of the answer: the handshake is done on both sides.
    socket.on('data', () => end(true))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
  })
}

function withOpenssl({ from, to, port, serverName, ca, protocols, patience }: Attempt): Promise<boolean> {
  const endpoint = (address: string, at: number) =>
    isIPv6(address) ? `[${address}]:${at}` : `${address}:${at}`
  const args = [
    's_client',
    ...['-connect', endpoint(to, port)],
    ...['-bind', endpoint(from, 0)],
    ...['-servername', serverName],
    ...['-alpn', protocols.join(',')],
    ...['-CAfile', ca.file, '-verify_return_error'],
  ]
  return new Promise((resolve) => {
    // Nothing on its standard input: it leaves when the handshake is done.
    const child = execFile('openssl', args, { timeout: patience, killSignal: 'SIGKILL' }, (error) => {
      resolve(error === null)
    })
    child.stdin?.end()
  })
}
