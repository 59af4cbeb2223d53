import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** A TCP client that does something with its socket; resolves when the connection is over. */
export function rawClient(port: number, act: (socket: Socket) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => act(socket))
    // How it ends for the client is not what is looked at.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
  })
}

/** `openssl s_client` with these arguments; resolves to what it printed, when it has ended. */
export function openssl(port: number, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        output += data.toString('utf8')
        // Connected: say goodbye. A client that was refused ends by itself.
        if (output.includes('Verify return code') && child.stdin.writable) child.stdin.end('Q\n')
      })
    }
    child.stdin.on('error', () => undefined)
    child.on('close', () => resolve(output))
  })
}

/**
 * A handshake by Node's client, over when the connection is. The client ends it when the server has sent a ticket, and so
 * has seen the handshake completed; or, to `wait`, leaves it to the server.
 */
export function handshake(
  port: number,
  { wait = false, ...options }: ConnectionOptions & { wait?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    if (!wait) socket.on('session', () => socket.end())
    // How it ends for the client is not what is looked at.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
  })
}

/** The head of a handshake record that promises 512 bytes, and a few of them. */
export const HALF_HELLO = Buffer.concat([
  Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
  Buffer.alloc(40),
])
