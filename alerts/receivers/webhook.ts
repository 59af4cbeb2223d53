import { createHmac } from 'node:crypto'
import { post } from './post.ts'
import type { Receiver } from './receiver.ts'

/**
 * The message as JSON, under its idempotency key. With a secret, signed: `Halfshake-Signature: t=SECONDS,v1=HEX`, HEX being the
 * HMAC-SHA256 of `SECONDS.BODY`.
 */
export function createWebhookReceiver({
  name,
  url,
  secret,
  now,
}: {
  name: string
  url: string
  secret: string | undefined
  /** ms since 1970. */
  now: () => number
}): Receiver {
  return {
    name,
    groupsItself: false,
    send(message) {
      const body = JSON.stringify(message)
      const headers = {
        'idempotency-key': message.id,
        ...(secret === undefined ? {} : { 'halfshake-signature': signatureOf(body, secret, now()) }),
      }
      return post(url, body, { headers })
    },
  }
}

export function signatureOf(body: string, secret: string, now: number): string {
  const seconds = Math.floor(now / 1_000)
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${digest}`
}
