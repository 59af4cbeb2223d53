import type { Logger } from '../../runtime/log.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Batch } from '../bus.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { DeadMessage } from './dead-letters.ts'
import {
  formatProgress,
  type Intent,
  isWithin,
  MAX_METADATA_BYTES,
  type Progress,
  spansOf,
  tokenOf,
} from './intent.ts'
import { Abandoned, type Lease, type Owned } from './lease.ts'
import { type Decoded, decodeMessage, type RawMessage } from './message.ts'
import { backOff, pause } from './pause.ts'
import type { Readiness } from './readiness.ts'

/** What is done with the batches. Both may throw `StoreUnavailable` to be called again, later, with the same. */
export type RangeHandler = {
  /**
   * Those that were stored before, or stand twice among these. Asked once for a range, before anything of it is
   * written; the answer goes into the intent, so that a rebuilt range leaves out the same.
   */
  findRepeats(batches: readonly Batch[]): Promise<ReadonlySet<Batch>>
  /** Stores them as one block. The same token comes with the same batches, and must give the same rows. */
  store(batches: readonly Batch[], token: string): Promise<void>
}

/** The points between which a process can die. Told in this order; a test ends the process there. */
export type Step = 'read' | 'announced' | 'stored' | 'committed'

/** A lease on a partition, and the way to say how far it is. */
export type Hold = {
  lease: Lease
  owned: Owned
  /** Throws `Abandoned` when the partition is another's. */
  commit(offset: number, progress: Progress): Promise<void>
}

export type RangeWriter = {
  /** Deals with the first of the messages as one range: how many they were. */
  writeFresh(hold: Hold, messages: readonly RawMessage[]): Promise<number>
  /** Deals with exactly the range that was announced before a crash or a rebalance. */
  rebuild(hold: Hold, intent: Intent, messages: readonly RawMessage[]): Promise<void>
}

/** A range as it was read: good batches, and what is none. */
type Read = { batches: Batch[]; dead: DeadMessage[] }

/**
 * Writes ranges of a partition exactly once: announces the range in the committed offset's metadata, stores it as one
 * block whose token names the range, then commits the offset after it.
 */
export function createRangeWriter({
  handler,
  deadLetters,
  limits,
  metrics,
  readiness,
  observe,
  log,
}: {
  handler: RangeHandler
  deadLetters: (dead: readonly DeadMessage[]) => Promise<void>
  limits: { maxBytes: number; maxUnzippedBytes: number }
  metrics: ConsumerMetrics
  readiness: Readiness
  observe: (step: Step, range: { partition: number; from: number; to: number }) => void | Promise<void>
  log: Logger
}): RangeWriter {
  return { writeFresh, rebuild }

  async function writeFresh(hold: Hold, messages: readonly RawMessage[]): Promise<number> {
    const { owned, lease } = hold
    const { batches, dead } = await read(messages)
    const repeats = await untilAvailable(lease, () => handler.findRepeats(batches))
    const left = [
      ...dead.map(({ message }) => message.offset),
      ...[...repeats].map(({ bus_offset }) => bus_offset),
    ]
    const { intent, count } = announce(owned, messages, left)
    await observe('read', { partition: owned.partition, ...intent })
    await moveDead(
      lease,
      dead.filter(({ message }) => message.offset <= intent.to),
    )
    await write(hold, intent, batches, 'fresh')
    metrics.read.inc(count)
    return count
  }

  async function rebuild(hold: Hold, intent: Intent, messages: readonly RawMessage[]): Promise<void> {
    const { partition } = hold.owned
    log.info({ partition, from: intent.from, to: intent.to }, 'rebuilding a range that was cut off')
    const { batches, dead } = await read(messages.filter(({ offset }) => !isWithin(intent.skip, offset)))
    const [first] = dead
    if (first !== undefined) {
      throw new Error(
        `message ${first.message.offset} of partition ${partition} was announced as good and is not (${first.reason}): was it written by a newer program? Run that one`,
      )
    }
    await write(hold, intent, batches, 'rebuilt')
    metrics.read.inc(messages.length)
  }

  async function write(
    { lease, owned, commit }: Hold,
    intent: Intent,
    batches: readonly Batch[],
    kind: 'fresh' | 'rebuilt',
  ): Promise<void> {
    const { partition, incarnation } = owned
    const range = { partition, from: intent.from, to: intent.to }
    const kept = batches.filter(({ bus_offset: at }) => at <= intent.to && !isWithin(intent.skip, at))
    if (kept.length > 0) {
      if (kind === 'fresh') await commit(intent.from, { incarnation, intent })
      await observe('announced', range)
      const token = tokenOf(incarnation, partition, intent)
      await untilAvailable(lease, () => handler.store(kept, token))
      await observe('stored', range)
    }
    await commit(intent.to + 1, { incarnation })
    metrics.ranges.inc({ kind })
    await observe('committed', range)
  }

  /** The messages' batches, unzipped side by side and parsed one after another. */
  async function read(messages: readonly RawMessage[]): Promise<Read> {
    const decoded = await Promise.all(messages.map((message) => decodeMessage(message, limits)))
    const into: Read = { batches: [], dead: [] }
    messages.forEach((message, i) => {
      sort(message, decoded[i], into)
    })
    return into
  }

  async function moveDead(lease: Lease, dead: readonly DeadMessage[]): Promise<void> {
    if (dead.length === 0) return
    await unlessEnding(lease, deadLetters(dead))
    for (const { message, reason, detail } of dead) {
      metrics.dead.inc({ reason })
      const { partition, offset } = message
      log.warn({ partition, offset, reason, detail }, 'message moved to the dead-letter topic')
    }
  }

  async function untilAvailable<T>(lease: Lease, call: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      if (lease.ending.aborted) throw new Abandoned()
      try {
        const value = await call()
        readiness.ready()
        return value
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        metrics.retried.inc()
        readiness.unready(`the store does not take a range: ${error.message}`)
        await pause(backOff(attempt), lease.ending)
      }
    }
  }
}

/**
 * The next range and what it leaves out, short enough to be announced: a range with too many gaps is cut in half
 * until it is. Where a batch stands twice the later is left out, so any beginning of a range can stand alone.
 */
function announce(
  { incarnation }: Owned,
  messages: readonly RawMessage[],
  left: readonly number[],
): { intent: Intent; count: number } {
  const [first] = messages
  for (let count = messages.length; ; count = Math.ceil(count / 2)) {
    const last = messages[count - 1]
    if (first === undefined || last === undefined) throw new Error('a range without messages')
    const skipped = left.filter((offset) => offset <= last.offset).sort((a, b) => a - b)
    const intent = { from: first.offset, to: last.offset, skip: spansOf(skipped) }
    if (count === 1 || formatProgress({ incarnation, intent }).length <= MAX_METADATA_BYTES)
      return { intent, count }
  }
}

function sort(message: RawMessage, decoded: Decoded | undefined, { batches, dead }: Read): void {
  if (decoded === undefined) return
  if (decoded.ok) batches.push(decoded.batch)
  else dead.push({ message, reason: decoded.reason, detail: decoded.detail })
}

/** The promise's value; or `Abandoned` as soon as the lease ends, while what was begun goes on unheeded. */
async function unlessEnding<T>({ ending }: Lease, promise: Promise<T>): Promise<T> {
  let stop: () => void = () => undefined
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(new Abandoned())
    ending.addEventListener('abort', stop)
    if (ending.aborted) stop()
  })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, ended])
  } finally {
    ending.removeEventListener('abort', stop)
  }
}
