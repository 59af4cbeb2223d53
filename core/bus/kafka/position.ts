import { newIncarnation, parseProgress } from './intent.ts'
import type { Owned } from './lease.ts'

/** First offset that the partition holds, and the one that its next message will get. */
export type Bounds = { low: number; high: number }

/** The group's place is not in the partition any more. Reasons are metric labels. */
export type OutOfRange = {
  partition: number
  /** `behind`: retention removed messages unread. `beyond`: the partition's end was lost. `reset`: the place was. */
  reason: 'behind' | 'beyond' | 'reset'
  was: number
  now: number
  /** Messages that were never read. */
  missed: number
  /** A range that was being written and cannot be completed. */
  unfinished?: { from: number; to: number }
}

/** No offset is committed: the group is new to this partition, or the topic was made anew. */
const NONE = -1

/**
 * Where to go on reading. A group without a place begins with the first message there is. Where a place cannot be
 * kept, reading begins early rather than late: what was stored before is recognised by agent, epoch and sequence.
 */
export function resolvePosition(
  partition: number,
  committed: { offset: number; metadata: string | null },
  bounds: Bounds,
): { owned: Owned; outOfRange?: OutOfRange } {
  const { offset, metadata } = committed
  const { low, high } = bounds
  const at = (position: number, incarnation = newIncarnation()): Owned => ({
    partition,
    incarnation,
    position,
    intent: undefined,
    gathered: [],
  })
  if (offset === NONE) return { owned: at(low) }
  const report = (reason: OutOfRange['reason'], owned: Owned, missed = 0) => {
    const { intent } = progress ?? {}
    const unfinished = intent === undefined ? {} : { unfinished: { from: intent.from, to: intent.to } }
    return {
      owned,
      outOfRange: { partition, reason, was: offset, now: owned.position, missed, ...unfinished },
    }
  }
  const progress = parseProgress(metadata)
  // kafkajs commits -2, the code for "the earliest", when it finds itself out of range.
  if (offset < 0) return report('reset', at(low))
  if (offset > high) return report('beyond', at(low))
  if (offset < low) return report('behind', at(low, progress?.incarnation), low - offset)
  // Somebody moved the group's place by hand: another life of the offsets, since ranges may now be cut differently.
  if (progress === undefined) return { owned: at(offset) }
  const { incarnation, intent } = progress
  if (intent === undefined) return { owned: at(offset, incarnation) }
  if (intent.from !== offset || intent.to >= high) return report('beyond', at(offset))
  return { owned: { ...at(offset, incarnation), intent } }
}

/** What became of a place within a lease when a message arrived that was not the next; undefined when it still holds. */
export function recheckPosition(owned: Owned, { low, high }: Bounds): OutOfRange | undefined {
  const { partition, position: was, intent } = owned
  const unfinished = intent === undefined ? {} : { unfinished: { from: intent.from, to: intent.to } }
  if (was < low) return { partition, reason: 'behind', was, now: low, missed: low - was, ...unfinished }
  if (was > high) return { partition, reason: 'beyond', was, now: low, missed: 0, ...unfinished }
  return undefined
}
