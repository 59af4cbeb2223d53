import { countHeader } from './headers.ts'
import type { RawMessage } from './message.ts'

/** What one range holds at most; a single message may be more. */
export type RangeLimits = { messages: number; bytes: number; events: number }

/** How many of the messages, from the first, make up the next range: at least one. */
export function cutRange(messages: readonly RawMessage[], limits: RangeLimits): number {
  let bytes = 0
  let events = 0
  let count = 0
  for (const { value, headers } of messages) {
    bytes += value?.length ?? 0
    events += countHeader(headers, 'events') ?? 0
    const over = count === limits.messages || bytes > limits.bytes || events > limits.events
    if (count > 0 && over) break
    count += 1
  }
  return count
}
