import type { Answer } from './receiver.ts'
import { secretsOf, withoutSecrets } from './without-secrets.ts'

const TIMEOUT_MS = 10_000
/** As much of an answer as is kept. */
const ANSWER_CHARACTERS = 500
/** As much as is read, so that a secret at its end is seen whole. */
const READ_CHARACTERS = 4_000

/** Answers after which the same request may succeed later. */
const LATER = new Set([408, 425, 429])

/**
 * Posts to a receiver. Redirects are not followed: only the configured host is spoken to. The address is in no
 * answer, since it may hold a secret, and neither are `secrets` of the body.
 */
export async function post(
  url: string,
  body: string,
  {
    headers = {},
    secrets = [],
    timeoutMs = TIMEOUT_MS,
  }: { headers?: Record<string, string>; secrets?: readonly string[]; timeoutMs?: number } = {},
): Promise<Answer> {
  const answerOf = (text: string) =>
    withoutSecrets(text, [...secretsOf(url), ...secrets]).slice(0, ANSWER_CHARACTERS)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'user-agent': 'halfshake', ...headers },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await beginning(response)
    const answer = answerOf(`${response.status} ${text}`.trim())
    if (response.ok) return { result: 'delivered', answer }
    const overloaded = response.status >= 500 || LATER.has(response.status)
    return { result: overloaded ? 'unreachable' : 'refused', answer }
  } catch (error) {
    return { result: 'unreachable', answer: answerOf(reasonOf(error, timeoutMs)) }
  }
}

async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  if (response.body === null) return text
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    // Leaving the loop ends the answer: a receiver that never stops talking is not listened to.
    if (text.length >= READ_CHARACTERS) break
  }
  return text
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1_000} s`
  const { cause } = error
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message
  return error.message
}
