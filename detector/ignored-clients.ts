import type { Batch } from './batch.ts'
import { worstClient } from './clients.ts'
import { resetEvidence } from './judge.ts'
import { at, I, INTS, type Streams } from './streams.ts'
import type { Row } from './teach.ts'

/** One client that fails on and on says nothing of its network: after a while its failures are not counted. */

/** A client that alone held an alarm back for so many minutes is left out of the counts from then on … */
const IGNORE_AFTER = 30
/** … until it has not failed for a day. */
const IGNORE_TICKS = 24 * 60

/** Takes clients that fail on and on alone out of this minute's counts. */
export function leaveOutIgnored(batch: Batch, streams: Streams, tick: number): void {
  for (let r = 0; r < batch.size; r++) {
    const worst = at(batch.worst, r)
    const i = at(batch.stream, r) * INTS
    if (worst === 0 || at(streams.ints, i + I.IGNORED) !== worst || at(batch.k, r) === 0) continue
    if (tick - at(streams.ints, i + I.IGNORED_SEEN) > IGNORE_TICKS) {
      streams.ints[i + I.IGNORED] = 0
      continue
    }
    streams.ints[i + I.IGNORED_SEEN] = tick
    batch.n[r] = at(batch.n, r) - 1
    batch.k[r] = at(batch.k, r) - 1
    batch.worst[r] = 0
  }
}

/** One client alone held the alarm of this stream back: since when is noted, and in the end it is ignored. */
export function ignoreAfterAWhile(row: Row, tick: number): void {
  const since = at(row.ints, row.i + I.BLOCKED)
  if (since === 0) {
    row.ints[row.i + I.BLOCKED] = tick
    return
  }
  if (tick - since < IGNORE_AFTER) return
  row.ints[row.i + I.IGNORED] = worstClient(row).client
  row.ints[row.i + I.IGNORED_SEEN] = tick
  resetEvidence(row)
}
