import { connect } from 'node:net'
import { TlsReader } from '../agent/capture/tls-reader.ts'
import type { TcpFacts } from '../core/event/event.ts'
import { clientHello, type HelloOptions } from './client-hello.ts'
import { kernelFacts } from './kernel-facts.ts'

export type Target = { address: string; port: number; serverName: string }

/** What came of a ClientHello. Times are ms since the connection was asked for. */
export type Answer =
  | { kind: 'server_hello'; ms: number; version: string; received: number }
  | { kind: 'alert'; ms: number; alert: number }
  | { kind: 'not_tls'; ms: number; beginning: string }
  | { kind: 'reset' | 'closed'; ms: number }
  /** Nothing came; what this system's kernel knows of what was sent. */
  | { kind: 'silence'; ms: number; kernel: TcpFacts | undefined }
  | { kind: 'no_connection'; ms: number; code: string }

export type HelloProbe = {
  /** Bytes of the record that was sent. */
  bytes: number
  /** ms until the connection was there. */
  connected: number | undefined
  answer: Answer
}

/** After the first of an answer, so long for the rest of it. */
const REST_MS = 250

/** Connects, says a ClientHello, and hangs up at the first of the answer. Never rejects. */
export function sayHello(
  { address, port, serverName }: Target,
  options: Omit<HelloOptions, 'serverName'> & { withoutName?: boolean },
  patience: number,
): Promise<HelloProbe> {
  const { withoutName = false, ...rest } = options
  const hello = clientHello({ ...rest, serverName: withoutName ? undefined : serverName })
  const started = Date.now()
  const ms = () => Date.now() - started
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const reader = new TlsReader()
    let connected: number | undefined
    let received = Buffer.alloc(0)
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ bytes: hello.length, connected, answer })
    }
    const timer = setTimeout(() => void silent(), patience)
    socket.setNoDelay(true)
    socket.on('connect', () => {
      connected = ms()
      socket.write(hello)
    })
    socket.on('data', (chunk: Buffer) => {
      if (received.length === 0) {
        clearTimeout(timer)
        const first = ms()
        setTimeout(() => end(answerOf(reader, received, first)), REST_MS)
      }
      received = Buffer.concat([received, chunk])
      reader.push(chunk)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (received.length > 0) return
      if (connected === undefined) end({ kind: 'no_connection', ms: ms(), code: error.code ?? error.message })
      else end({ kind: 'reset', ms: ms() })
    })
    socket.on('end', () => {
      if (received.length === 0) end({ kind: 'closed', ms: ms() })
    })

    async function silent(): Promise<void> {
      if (connected === undefined) return end({ kind: 'no_connection', ms: ms(), code: 'ETIMEDOUT' })
      const kernel = await kernelFacts(socket)
      if (received.length === 0) end({ kind: 'silence', ms: ms(), kernel })
    }
  })
}

function answerOf({ facts }: TlsReader, received: Buffer, ms: number): Answer {
  if (facts.alert !== undefined) return { kind: 'alert', ms, alert: facts.alert.description }
  if (facts.notTls !== undefined || received.length < 5) {
    const beginning = received.toString('latin1', 0, 24).replace(/[^\x20-\x7e]/g, '.')
    return { kind: 'not_tls', ms, beginning }
  }
  const version = facts.serverHello?.version ?? 'unknown'
  return { kind: 'server_hello', ms, version, received: received.length }
}

/** Whether the server understood what it got: its path there and a small answer's way back are open. */
export function isTls({ answer }: HelloProbe): boolean {
  return answer.kind === 'server_hello' || answer.kind === 'alert'
}
