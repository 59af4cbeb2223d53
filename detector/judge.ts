import { PRIOR_CLIENTS } from './baseline.ts'
import { failingClients, forgetClients, voteWorstClient, worstClient } from './clients.ts'
import { accumulate, EXCESSES, evidenceFactors } from './evidence.ts'
import { hasCollapsed, isDrastic, isExtraTraffic, isManyClients, isSubstantial } from './gate.ts'
import type { DetectorOptions } from './options.ts'
import { at, F, I, increase } from './streams.ts'
import type { Row } from './teach.ts'

/** What one stream saw in one minute, adjusted for the rest of the world. Reused from stream to stream. */
export type StreamMinute = {
  /** Minutes with data so far, and this minute in minutes since 1970. */
  tick: number
  minute: number
  /** Clients decided and failed, handshakes completed. */
  n: number
  k: number
  completed: number
  /** Hash of the worst failing client, 0 if none. */
  worst: number
  /** Σ over clients of the upper and of the mean expected rate. */
  upper: number
  mean: number
  rho: number
}

/** Why nothing was alarmed although the evidence suffices; '' when nothing stands in the way. */
export type Objection = '' | 'small' | 'no_history' | 'one_client' | 'extra_traffic'
export type Judgement = { evidence: number; alarm: boolean; objection: Objection }

/** One minute of evidence for a stream without an open incident. `threshold` is its A. */
export function judgeStream(
  row: Row,
  seen: StreamMinute,
  threshold: number,
  options: DetectorOptions,
): Judgement {
  const { floats, f } = row
  const expected = seen.upper / seen.n
  evidenceFactors(
    { n: seen.n, k: seen.k, expected, rho: seen.rho, cap: Math.log(options.alarm_minutes) / 2 },
    FACTORS,
  )
  if (at(floats, f + F.C) === 0) beginEpisode(row, seen)
  const { evidence, growth } = accumulate(floats, f + F.R, FACTORS)
  const c = Math.max(0, at(floats, f + F.C) + growth)
  floats[f + F.C] = c
  if (c === 0) return { evidence, alarm: false, objection: '' }
  noteEpisode(row, seen)
  if (evidence < threshold) return { evidence, alarm: false, objection: '' }
  const objection = objectionTo(row, seen.tick, options)
  return { evidence, alarm: objection === '', objection }
}

/** Adds the minute to what has been seen since the onset. */
export function noteEpisode(row: Row, seen: StreamMinute): void {
  const { floats, f } = row
  increase(floats, f + F.K, seen.k)
  increase(floats, f + F.N, seen.n)
  increase(floats, f + F.EXPECTED, seen.upper)
  increase(floats, f + F.COMPLETED, seen.completed)
  if (seen.k === 0) return
  floats[f + F.MOST_CLIENTS] = Math.max(at(floats, f + F.MOST_CLIENTS), seen.k)
  if (seen.worst !== 0) voteWorstClient(row, seen.worst)
}

/** Mean R over the excesses. */
export function evidenceOf(row: Row): number {
  let sum = 0
  for (let d = 0; d < EXCESSES.length; d++) sum += at(row.floats, row.f + F.R + d)
  return sum / EXCESSES.length
}

/** Forgets evidence and episode, as after a verdict. */
export function resetEvidence(row: Row): void {
  row.floats.fill(0, row.f + F.R, row.f + F.COMPLETED + 1)
  forgetClients(row)
  row.ints[row.i + I.BLOCKED] = 0
}

const FACTORS = new Float64Array(EXCESSES.length)

function beginEpisode(row: Row, seen: StreamMinute): void {
  row.floats.fill(0, row.f + F.K, row.f + F.COMPLETED + 1)
  forgetClients(row)
  row.ints[row.i + I.ONSET] = seen.minute
  row.ints[row.i + I.ONSET_TICK] = seen.tick
  row.ints[row.i + I.BLOCKED] = 0
}

function objectionTo(row: Row, tick: number, options: DetectorOptions): Objection {
  const { floats, ints, f, i } = row
  const decided = at(floats, f + F.N)
  const failed = at(floats, f + F.K)
  const episode = {
    decided,
    failed,
    expected: at(floats, f + F.EXPECTED) / decided,
    failingClients: failingClients(row),
    worstClient: worstClient(row).failures,
  }
  if (!isSubstantial(episode)) return 'small'
  if (at(floats, f + F.HISTORY_N) < PRIOR_CLIENTS && !isDrastic(episode)) return 'no_history'
  const minutes = tick - at(ints, i + I.ONSET_TICK) + 1
  if (options.parts.worst_client && !isManyClients(episode) && !successesCollapsed(row, minutes)) {
    return 'one_client'
  }
  const usual = usualPerMinute(row)
  const traffic = {
    decided,
    failed,
    expectedFailed: at(floats, f + F.EXPECTED),
    usualDecided: (usual.succeeded * minutes) / (1 - episode.expected),
    usualSucceeded: usual.succeeded * minutes,
  }
  if (options.parts.extra_traffic && usual.known && isExtraTraffic(traffic)) return 'extra_traffic'
  return ''
}

/** Completed handshakes since the onset, or in the last ten to twenty minutes of a longer episode. */
function successesCollapsed(row: Row, minutes: number): boolean {
  const { floats, f } = row
  const usual = usualPerMinute(row)
  if (!usual.known) return false
  if (minutes <= 20) return hasCollapsed(at(floats, f + F.COMPLETED), usual.completed * minutes)
  return hasCollapsed(at(floats, f + F.WINDOW) + at(floats, f + F.LAST_WINDOW), usual.completed * 10)
}

/** What a minute of this stream usually holds, from the last two hours; unknown in a stream's first minutes. */
export function usualPerMinute(row: Row) {
  const { floats, f } = row
  const minutes = at(floats, f + F.LEVEL_MINUTES)
  const lately = 1 - (LATELY_LEFT[minutes] ?? 0)
  return {
    known: minutes >= 2,
    succeeded: at(floats, f + F.LEVEL_S) / lately,
    completed: at(floats, f + F.LEVEL_COMPLETED) / (1 - (TWO_HOURS_LEFT[minutes] ?? 0)),
  }
}

/** Successes are compared with the last two hours, traffic with the last 40 minutes, before the day moves on. */
const TWO_HOURS = Math.exp(-1 / 120)
const LATELY = Math.exp(-1 / 40)
/** Minutes after which a level no longer depends on how long it has been followed. */
const LONGEST_LEVEL = 4000
/** What a level still lacks after so many minutes. */
const TWO_HOURS_LEFT = Float64Array.from({ length: LONGEST_LEVEL + 1 }, (_, minutes) => TWO_HOURS ** minutes)
const LATELY_LEFT = Float64Array.from({ length: LONGEST_LEVEL + 1 }, (_, minutes) => LATELY ** minutes)

/** Moves the two-hour levels and the ten-minute windows on to this minute; minutes without a row count as empty. */
export function noteLevels(row: Row, seen: StreamMinute, suspect: boolean): void {
  const { floats, ints, f, i } = row
  const last = at(ints, i + I.LAST)
  moveWindow(row, last, seen.tick)
  increase(floats, f + F.WINDOW, seen.completed)
  ints[i + I.LAST] = seen.tick
  if (suspect) return
  const minutes = at(floats, f + F.LEVEL_MINUTES)
  const followed = 1 - (TWO_HOURS_LEFT[minutes] ?? 0)
  const usual = minutes > 0 ? at(floats, f + F.LEVEL_COMPLETED) / followed : seen.completed
  const passed = last === 0 ? 1 : seen.tick - last
  floats[f + F.LEVEL_MINUTES] = Math.min(minutes + passed, LONGEST_LEVEL)
  moveLevel(floats, f + F.LEVEL_S, LATELY, passed, seen.n - seen.k)
  // One client's burst of handshakes must not look like a level that is lost afterwards.
  moveLevel(floats, f + F.LEVEL_COMPLETED, TWO_HOURS, passed, Math.min(seen.completed, 4 * usual + 10))
}

function moveLevel(floats: Float32Array, level: number, keep: number, passed: number, value: number): void {
  floats[level] = at(floats, level) * (passed === 1 ? keep : keep ** passed) + (1 - keep) * value
}

function moveWindow(row: Row, last: number, tick: number): void {
  const { floats, f } = row
  const passed = Math.floor(tick / 10) - Math.floor(last / 10)
  if (passed === 0) return
  floats[f + F.LAST_WINDOW] = passed === 1 ? at(floats, f + F.WINDOW) : 0
  floats[f + F.WINDOW] = 0
}
