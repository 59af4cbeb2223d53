import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Attempt } from './messages.ts'

/** Clients that do not speak TLS, or not to the end. None of them rejects. */

/** The first bytes of a ClientHello that is longer: record header, handshake header, version, random begun. */
const HALF_HELLO = Buffer.from(`1603010200010001fc0303${'00'.repeat(90)}`, 'hex')

export async function saysNothing(attempt: Attempt): Promise<void> {
  await held(open(attempt), attempt.patience)
}

export async function leavesAtOnce(attempt: Attempt): Promise<void> {
  const socket = open(attempt)
  if (await connected(socket)) socket.end()
  await held(socket, 1_000)
}

export async function resetsAtOnce(attempt: Attempt): Promise<void> {
  const socket = open(attempt)
  if (!(await connected(socket))) return
  // A server that has not accepted it yet would not know any more whom it came from.
  await pause(100)
  socket.resetAndDestroy()
}

export async function comesAsHttp(attempt: Attempt): Promise<void> {
  const socket = open(attempt)
  if (await connected(socket)) socket.write(`GET / HTTP/1.1\r\nHost: ${attempt.serverName}\r\n\r\n`)
  await held(socket, attempt.patience)
}

export async function saysHalf(attempt: Attempt): Promise<void> {
  const socket = open(attempt)
  if (await connected(socket)) socket.write(HALF_HELLO)
  await held(socket, attempt.patience)
}

export function open({ from, to, port }: Attempt): Socket {
  const socket = connect({ host: to, port, localAddress: from, noDelay: true })
  socket.on('error', () => {})
  return socket
}

async function connected(socket: Socket): Promise<boolean> {
  return once(socket, 'connect').then(
    () => true,
    () => false,
  )
}

/** Until the server ends it, or patience does. */
async function held(socket: Socket, patience: number): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), patience)
  socket.resume()
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  clearTimeout(timer)
}
