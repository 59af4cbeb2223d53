import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../core/runtime/problem.ts'

/** What a batch bears besides its events. */
export type BatchIdentity = { agent: string; epoch: number; sequence: number }

const AGENT = /^[A-Za-z0-9._:@/-]{1,128}$/
const MEDIA_TYPES = ['application/x-ndjson', 'application/ndjson']

/** Reads and checks the headers of a batch; all that is wrong is told at once. */
export function readIdentity(headers: IncomingHttpHeaders): BatchIdentity {
  const mistakes: { header: string; message: string; allowed: string }[] = []
  const take = <T>(
    header: string,
    allowed: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const text = headers[header]
    const value = typeof text === 'string' ? parse(text) : undefined
    if (value === undefined) {
      mistakes.push({ header, message: text === undefined ? 'missing' : 'not allowed', allowed })
    }
    return value
  }
  const whole = 'a whole number from 1 to 9007199254740991'
  const agent = take('halfshake-agent', '1 to 128 letters, digits and . _ : @ / -', (text) =>
    AGENT.test(text) ? text : undefined,
  )
  const epoch = take('halfshake-epoch', `${whole}, another at every start of the agent`, positive)
  const sequence = take('halfshake-sequence', `${whole}, one more for each batch`, positive)
  if (agent !== undefined && epoch !== undefined && sequence !== undefined) return { agent, epoch, sequence }
  throw new Problem({
    status: 400,
    type: 'bad-headers',
    title: 'Headers of the batch are wrong',
    detail: mistakes.map(({ header, message, allowed }) => `${header} is ${message}: ${allowed}`).join('; '),
    members: { errors: mistakes },
  })
}

export function checkMediaType(headers: IncomingHttpHeaders): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (MEDIA_TYPES.includes(type.trim().toLowerCase())) return
  throw new Problem({
    status: 415,
    type: 'unsupported-media-type',
    title: 'Content-Type not supported',
    detail: `Content-Type ${JSON.stringify(type)} is not supported; send newline-delimited JSON as ${MEDIA_TYPES[0]}`,
    headers: { Accept: MEDIA_TYPES.join(', ') },
  })
}

function positive(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : 0
  return value > 0 && Number.isSafeInteger(value) ? value : undefined
}
