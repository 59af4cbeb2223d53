import type { Message } from '../message.ts'
import type { Answer, Receiver } from './receiver.ts'
import { type SmtpLogin, type SmtpServer, sendMail } from './smtp.ts'

/** Mail over SMTP (RFC 5321), plain text. */
export function createEmailReceiver({
  name,
  server,
  from,
  to,
  login,
  now,
}: {
  name: string
  server: SmtpServer
  from: string
  to: readonly string[]
  login: SmtpLogin | undefined
  /** ms since 1970. */
  now: () => number
}): Receiver {
  const send = (message: Message): Promise<Answer> =>
    sendMail({ server, login, from, to, mail: mailText(message, { from, to, now: now() }) })
  return { name, groupsItself: false, send }
}

/**
 * The mail with its headers (RFC 5322). The Message-ID is made of the idempotency key, so that a repeat is recognised
 * where mails are stored; mails of one group refer to the same thread.
 */
export function mailText(
  { id, title, text, group }: Pick<Message, 'id' | 'title' | 'text' | 'group'>,
  { from, to, now }: { from: string; to: readonly string[]; now: number },
): string {
  const domain = from.split('@')[1] ?? 'halfshake.invalid'
  const thread = Buffer.from(group).toString('hex').slice(0, 60)
  const headers = [
    `From: Halfshake <${from}>`,
    `To: ${to.join(', ')}`,
    `Subject: ${encodedWords(title)}`,
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${domain}>`,
    `References: <${thread}@${domain}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ]
  const body = Buffer.from(`${text}\n`)
    .toString('base64')
    .replace(/.{76}(?=.)/g, '$&\r\n')
  return `${headers.join('\r\n')}\r\n\r\n${body}\r\n`
}

/** Header text as encoded words (RFC 2047): no character of it can end the header. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]{0,60}$/.test(text)) return text
  const words = []
  let word = ''
  for (const character of text.replace(/[\r\n]+/g, ' ')) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word)
      word = ''
    }
    word += character
  }
  words.push(word)
  return words.map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ')
}
