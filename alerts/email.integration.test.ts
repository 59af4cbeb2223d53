import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { Message } from './message.ts'
import { createEmailReceiver, mailText } from './receivers/email.ts'
import { sendMail } from './receivers/smtp.ts'

/** Python's SMTP server, which prints the mails it takes as JSON. */
const SERVER = `
import asyncore, json, smtpd, sys, warnings
class Server(smtpd.SMTPServer):
    def process_message(self, peer, mailfrom, rcpttos, data, **kwargs):
        print(json.dumps([mailfrom, rcpttos, data.decode()]), flush=True)
        if b'refuse' in data: return '554 no'
server = Server(('127.0.0.1', 0), None)
print(server.socket.getsockname()[1], flush=True)
asyncore.loop()
`

const message = {
  id: 'key-1',
  group: '["rule",64500,""]',
  title: 'CRITICAL: AS64500 Übertragung Net: 41 % fail, and a title that is longer than a line may be',
  text: 'First line\n.\n.hidden\nLast line with ä',
} as Message

let child: ChildProcess | undefined
let server: Server | undefined
afterEach(async () => {
  child?.kill('SIGKILL')
  child = undefined
  server?.close()
  server = undefined
})

async function startSmtp() {
  const started = spawn('python3', ['-W', 'ignore', '-c', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  child = started
  const lines: string[] = []
  let rest = ''
  started.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  const port = Number(lines.shift())
  const arrived = async () => {
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    return lines.map((line) => JSON.parse(line) as [string, string[], string])
  }
  return { port, arrived }
}

/** A server that answers each line by what `answer` says. */
async function fakeServer(
  answer: (line: string, socket: Socket) => string | undefined,
  greeting = '220 hello',
) {
  server = createServer((socket) => {
    socket.on('error', () => undefined)
    if (greeting !== '') socket.write(`${greeting}\r\n`)
    socket.on('data', (chunk) => {
      const reply = answer(chunk.toString(), socket)
      if (reply !== undefined) socket.write(`${reply}\r\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const from = 'halfshake@example.com'
const to = ['ops@example.com', 'noc@example.com']
const plain = (port: number) => ({ host: '127.0.0.1', port, security: 'none' }) as const

describe('mail', () => {
  it('reaches a real SMTP server whole, whatever is in its text', async () => {
    const smtp = await startSmtp()
    const receiver = createEmailReceiver({
      name: 'mail',
      server: plain(smtp.port),
      from,
      to,
      login: undefined,
      now: () => Date.UTC(2026, 10, 21, 12),
    })
    expect(await receiver.send(message)).toMatchObject({ result: 'delivered', answer: '250 OK' })
    const [mail] = await smtp.arrived()
    expect(mail?.slice(0, 2)).toEqual([from, to])
    const [head = '', body = ''] = (mail?.[2] ?? '').split('\n\n')
    expect(Buffer.from(body, 'base64').toString()).toBe(`${message.text}\n`)
    expect(head).toContain('Message-ID: <key-1@example.com>')
    expect(head).toContain('Date: Sat, 21 Nov 2026 12:00:00 +0000')
    const words = [...head.matchAll(/=\?utf-8\?B\?([^?]+)\?=/g)].map(([, word = '']) =>
      Buffer.from(word, 'base64').toString(),
    )
    expect(words.join('')).toBe(message.title)
    expect(Math.max(...head.split('\n').map((line) => line.length))).toBeLessThan(79)
  })

  it('that is refused is told from one that may go later', async () => {
    const smtp = await startSmtp()
    const mail = mailText(message, { from, to, now: 0 })
    const about = { login: undefined, from, to }
    const refused = await sendMail({ ...about, server: plain(smtp.port), mail: `X: refuse\r\n${mail}` })
    expect(refused).toEqual({ result: 'refused', answer: '554 no' })
    const busy = await fakeServer(() => undefined, '421 busy')
    expect(await sendMail({ ...about, server: plain(busy), mail })).toEqual({
      result: 'unreachable',
      answer: '421 busy',
    })
    expect(await sendMail({ ...about, server: plain(1), mail })).toMatchObject({ result: 'unreachable' })
  })

  it('does not wait for ever', async () => {
    const silent = await fakeServer(() => undefined, '')
    const sent = sendMail({ server: plain(silent), login: undefined, from, to, mail: '', timeoutMs: 200 })
    expect(await sent).toEqual({ result: 'unreachable', answer: 'no answer within 0.2 s' })
  })

  it('goes over TLS where it is configured, with a password, to a server whose certificate is right', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'halfshake-'))
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'].concat(
        [...['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert]],
      ),
      { stdio: 'ignore' },
    )
    const pem = { key: readFileSync(key), cert: readFileSync(cert) }
    await rm(dir, { recursive: true })
    const lines: string[] = []
    const answer = (line: string) => {
      lines.push(line)
      if (line.startsWith('AUTH'))
        return line.includes('AHUAcA==') ? '235 welcome' : `500 what is ${line.trim()}?`
      if (line.startsWith('DATA')) return '354 go on'
      return '250 fine'
    }
    const port = await fakeServer((line, socket) => {
      if (!line.startsWith('STARTTLS')) return '250-hello\r\n250 STARTTLS'
      socket.write('220 go\r\n')
      socket.removeAllListeners('data')
      const secure = new TLSSocket(socket, { isServer: true, ...pem })
      secure.on('error', () => undefined)
      secure.on('data', (chunk) => secure.write(`${answer(chunk.toString())}\r\n`))
      return undefined
    })
    const starttls = { host: '127.0.0.1', port, security: 'starttls' } as const
    const mail = { login: { username: 'u', password: 'p' }, from, to: [from], mail: 'x\r\n' }
    const ca = pem.cert.toString()
    expect(await sendMail({ server: { ...starttls, ca }, ...mail })).toEqual({
      result: 'delivered',
      answer: '250 fine',
    })
    expect(lines).toContain('AUTH PLAIN AHUAcA==\r\n')
    const login = { username: 'u', password: 'another' }
    expect(await sendMail({ server: { ...starttls, ca }, ...mail, login })).toEqual({
      result: 'refused',
      answer: '500 what is AUTH PLAIN …?',
    })
    expect(await sendMail({ server: starttls, ...mail })).toMatchObject({
      result: 'unreachable',
      answer: expect.stringContaining('self-signed'),
    })
  })

  it('sends no password and no mail in clear text where STARTTLS is configured and not offered', async () => {
    const lines: string[] = []
    const port = await fakeServer((line) => {
      lines.push(line)
      return '250 hello'
    })
    const login = { username: 'u', password: 'p' }
    const starttls = { host: '127.0.0.1', port, security: 'starttls' } as const
    expect(await sendMail({ server: starttls, login, from, to, mail: 'x' })).toEqual({
      result: 'refused',
      answer: 'the server offers no STARTTLS',
    })
    expect(await sendMail({ server: plain(port), login, from, to, mail: 'x' })).toMatchObject({
      result: 'refused',
    })
    expect(lines.join('')).not.toMatch(/AUTH|MAIL/)
  })
})
