import { type Headers, header } from './headers.ts'
import type { BadMessage, RawMessage } from './message.ts'
import { type Sender, SendRefused } from './sender.ts'
import { deadLetterTopic } from './topics.ts'

export type DeadMessage = { message: RawMessage; reason: BadMessage; detail: string }

/** What is kept of a message that not even the dead-letter topic takes whole. */
const SHORTENED_BYTES = 65_536
export const DEAD_LETTER_PREFIX = 'dead_letter_'

/**
 * Writes messages to the dead-letter topic: key, value and headers as they came, and beside them why and from where.
 * Resolves when they are acknowledged. A crash afterwards can bring the same message again; its place tells.
 */
export function createDeadLetters({
  sender,
  topic,
  now,
}: {
  sender: Pick<Sender, 'send'>
  topic: string
  now: () => number
}): (dead: readonly DeadMessage[]) => Promise<void> {
  return async (dead) => {
    for (const one of dead) {
      const { key, value } = one.message
      const headers = headersOf(one)
      try {
        await sender.send(deadLetterTopic(topic), [{ key, value, headers }])
      } catch (error) {
        if (!(error instanceof SendRefused) || value === null) throw error
        const shortened = value.subarray(0, SHORTENED_BYTES)
        const whole = { [`${DEAD_LETTER_PREFIX}bytes`]: String(value.length) }
        await sender.send(deadLetterTopic(topic), [
          { key, value: shortened, headers: { ...headers, ...whole } },
        ])
      }
    }
  }

  function headersOf({ message, reason, detail }: DeadMessage): Record<string, string | Buffer> {
    const about = { reason, detail, topic, partition: message.partition, offset: message.offset, at: now() }
    const ours = Object.entries(about).map(
      ([name, value]) => [DEAD_LETTER_PREFIX + name, String(value)] as const,
    )
    return { ...copyOf(message.headers), ...Object.fromEntries(ours) }
  }
}

function copyOf(headers: Headers): Record<string, string> {
  const copy: Record<string, string> = {}
  for (const name of Object.keys(headers)) copy[name] = header(headers, name) ?? ''
  return copy
}
