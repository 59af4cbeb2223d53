import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Answer } from './receiver.ts'
import { withoutSecrets } from './without-secrets.ts'

export type SmtpServer = {
  host: string
  port: number
  security: 'none' | 'starttls' | 'tls'
  /** Certificate of the authority to trust instead of the system's, PEM. */
  ca?: string
}
export type SmtpLogin = { username: string; password: string }

const TIMEOUT_MS = 30_000
/** A reply longer than this is no SMTP server's. */
const LONGEST_REPLY = 10_000

/**
 * Hands one mail to an SMTP server (RFC 5321), with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954) where configured. A password
 * is sent over TLS only. 4xx and silence mean later, 5xx means refused.
 */
export async function sendMail({
  server,
  login,
  from,
  to,
  mail,
  timeoutMs = TIMEOUT_MS,
}: {
  server: SmtpServer
  login: SmtpLogin | undefined
  from: string
  to: readonly string[]
  mail: string
  timeoutMs?: number
}): Promise<Answer> {
  let line: Line | undefined
  const deadline = setTimeout(
    () => line?.fail(new Error(`no answer within ${timeoutMs / 1_000} s`)),
    timeoutMs,
  )
  try {
    line = openLine(connectTo(server, server.security === 'tls'))
    await line.expect(220)
    const own = await greet(line)
    if (server.security === 'starttls') {
      if (!/^250[ -]STARTTLS\b/im.test(own))
        return { result: 'refused', answer: 'the server offers no STARTTLS' }
      await line.ask('STARTTLS', 220)
      line = openLine(connectTls({ socket: line.socket(), ...tlsOf(server) }))
      await greet(line)
    }
    if (login !== undefined) await logIn(line, login, server)
    await line.ask(`MAIL FROM:<${from}>`, 250)
    for (const address of to) await line.ask(`RCPT TO:<${address}>`, 250)
    await line.ask('DATA', 354)
    // A line of its own with a dot ends the mail: one in the text is doubled (RFC 5321, 4.5.2).
    const answer = await line.ask(`${mail.replace(/^\./gm, '..').replace(/\r\n$/, '')}\r\n.`, 250)
    line.say('QUIT')
    return { result: 'delivered', answer }
  } catch (error) {
    const refused = error instanceof SmtpRefusal && error.code >= 500
    // Some servers repeat the command that they do not understand.
    const secrets = login === undefined ? [] : [credentialsOf(login), login.password]
    const answer = withoutSecrets((error as Error).message, secrets)
    return { result: refused ? 'refused' : 'unreachable', answer }
  } finally {
    clearTimeout(deadline)
    line?.close()
  }
}

/** The server said no; `code` is its reply's. */
class SmtpRefusal extends Error {
  override readonly name = 'SmtpRefusal'
  readonly code: number
  constructor(reply: string) {
    super(reply)
    this.code = Number(reply.slice(0, 3))
  }
}

async function greet(line: Line): Promise<string> {
  return line.ask('EHLO halfshake.invalid', 250)
}

async function logIn(line: Line, login: SmtpLogin, { security }: SmtpServer): Promise<void> {
  if (security === 'none')
    throw new SmtpRefusal('530 a password is sent over TLS only: use smtps or smtp+starttls')
  await line.ask(`AUTH PLAIN ${credentialsOf(login)}`, 235)
}

function credentialsOf({ username, password }: SmtpLogin): string {
  return Buffer.from(`\0${username}\0${password}`).toString('base64')
}

function connectTo(server: SmtpServer, tls: boolean): Socket {
  const { host, port } = server
  return tls ? connectTls({ port, ...tlsOf(server) }) : connectTcp({ host, port })
}

/** The certificate is checked against the configured name; an address is no server name (RFC 6066). */
function tlsOf({ host, ca }: SmtpServer): ConnectionOptions {
  return { host, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) }
}

type Line = ReturnType<typeof openLine>

/** A connection on which one reply follows one command. */
function openLine(socket: Socket) {
  let received = ''
  let failure: Error | undefined
  let arrived: () => void = () => undefined
  const fail = (error: Error) => {
    failure ??= error
    arrived()
  }
  const onData = (chunk: Buffer) => {
    received += chunk.toString('utf8')
    if (received.length > LONGEST_REPLY) fail(new Error('the reply is no SMTP'))
    arrived()
  }
  const onClose = () => fail(new Error('the server closed the connection'))
  socket.on('data', onData)
  socket.on('error', fail)
  socket.on('close', onClose)

  async function expect(code: number): Promise<string> {
    for (;;) {
      // The last line of a reply has a space behind its code.
      const [reply] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(received) ?? []
      if (reply !== undefined) {
        received = received.slice(reply.length)
        const text = reply.trim()
        const last = text.split('\n').at(-1) ?? ''
        if (Number(last.slice(0, 3)) === code) return text
        throw new SmtpRefusal(last.trim().slice(0, 500))
      }
      if (failure !== undefined) throw failure
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    }
  }

  return {
    expect,
    fail,
    say: (text: string) => void socket.write(`${text}\r\n`),
    ask(text: string, code: number): Promise<string> {
      socket.write(`${text}\r\n`)
      return expect(code)
    },
    /** The bare connection, for TLS over it; what came in clear text is forgotten (CVE-2011-0411). */
    socket(): Socket {
      received = ''
      socket.off('data', onData)
      socket.off('close', onClose)
      return socket
    },
    close: () => void socket.destroySoon(),
  }
}
