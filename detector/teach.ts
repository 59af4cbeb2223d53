import {
  correlation,
  correlationOfHour,
  HOURLY_DECAY,
  LARGEST_RHO,
  meanRate,
  poolHour,
  SMALLEST_RHO,
  upperRate,
  type WanderPool,
  wander,
  wanderOfHour,
} from './baseline.ts'
import { isDrastic } from './gate.ts'
import { resetEvidence } from './judge.ts'
import type { DetectorParts } from './options.ts'
import { at, F, HOUR_SPOILT, I, increase } from './streams.ts'

/** What the streams of a fleet lend each other: the prior for networks never seen, and how much rates wander. */
export type FleetKnowledge = { priorClients: number; wander: number; pool: WanderPool }

/** One stream's row in the two arrays of streams.ts. */
export type Row = { floats: Float32Array; ints: Int32Array; f: number; i: number }

/** Blocks of a quarter of an hour, so that autocorrelation up to that length counts as correlation. */
const BLOCK_MINUTES = 15

/** Adds a minute's clients to the hour and to its block. `minute` in minutes since 1970. */
export function noteMinute(row: Row, minute: number, n: number, k: number): void {
  const { floats, ints, f, i } = row
  const block = Math.floor(minute / BLOCK_MINUTES)
  if (at(ints, i + I.BLOCK) !== block) {
    closeBlock(floats, f)
    ints[i + I.BLOCK] = block
  }
  increase(floats, f + F.HOUR_N, n)
  increase(floats, f + F.HOUR_K, k)
  increase(floats, f + F.HOUR_PAIRS, n * (n - 1))
  increase(floats, f + F.BLOCK_N, n)
  increase(floats, f + F.BLOCK_K, k)
}

/**
 * The hour is over: what was good in it joins the history. Hours under suspicion are held back until the suspicion
 * is gone (then they count) or became an incident (then they never do), so that a slow fault cannot teach itself.
 * A stream without a history learns at once, unless it fails beyond what any network usually does.
 */
export function teachHour(row: Row, fleet: FleetKnowledge, parts: DetectorParts): void {
  const { floats, ints, f, i } = row
  closeBlock(floats, f)
  forget(floats, f)
  const spoilt = at(ints, i + I.SPOILT)
  if (spoilt < HOUR_SPOILT.all) learnCorrelation(floats, f)
  if (spoilt === 0) learnOrHold(row, fleet)
  else dropHeld(floats, ints, f, i)
  clearHour(floats, ints, f, i)
  refresh(row, fleet, parts)
}

/** Recomputes what judging needs from the history: mean rate, upper limit, ρ. */
export function refresh(row: Row, fleet: FleetKnowledge, parts: DetectorParts): void {
  const { floats, f } = row
  const spread = {
    excess: at(floats, f + F.WANDER_EXCESS),
    weight: at(floats, f + F.WANDER_WEIGHT),
    noise: at(floats, f + F.WANDER_NOISE),
  }
  const counts = { decided: at(floats, f + F.HISTORY_N), failed: at(floats, f + F.HISTORY_K) }
  const { priorClients } = fleet
  const mean = meanRate({ ...counts, wander: 0 }, priorClients)
  const history = { ...counts, wander: wander(spread, mean, fleet.wander) }
  floats[f + F.MEAN] = mean
  floats[f + F.UPPER] = parts.upper_limit ? upperRate(history, priorClients) : mean
  floats[f + F.RHO] = parts.overdispersion
    ? correlation(at(floats, f + F.RHO_SUM), at(floats, f + F.RHO_INFORMATION))
    : SMALLEST_RHO / 1000
}

/** C above this (the evidence has grown e³-fold) puts an hour under suspicion. */
const SUSPICIOUS = 3
/** After this many hours a suspicion that came to nothing is how the stream is now. */
const LONGEST_HELD = 24

function learnOrHold(row: Row, fleet: FleetKnowledge): void {
  const { floats, ints, f, i } = row
  learnWander(floats, f, fleet)
  const known = at(floats, f + F.HISTORY_N) >= fleet.priorClients
  const suspicious = at(floats, f + F.C) > SUSPICIOUS && (known || isDrasticNow(floats, f))
  if (suspicious && at(ints, i + I.HELD) < LONGEST_HELD) {
    increase(floats, f + F.HELD_N, at(floats, f + F.HOUR_N))
    increase(floats, f + F.HELD_K, at(floats, f + F.HOUR_K))
    increase(ints, i + I.HELD, 1)
    return
  }
  // What was compared with the prior alone says nothing once the stream has a past of its own.
  if (!known && at(floats, f + F.HISTORY_N) + at(floats, f + F.HOUR_N) >= fleet.priorClients)
    resetEvidence(row)
  increase(floats, f + F.HISTORY_N, at(floats, f + F.HOUR_N) + at(floats, f + F.HELD_N))
  increase(floats, f + F.HISTORY_K, at(floats, f + F.HOUR_K) + at(floats, f + F.HELD_K))
  dropHeld(floats, ints, f, i)
}

function isDrasticNow(floats: Float32Array, f: number): boolean {
  const [failed, decided] = [at(floats, f + F.K), at(floats, f + F.N)]
  return isDrastic({ failed, decided, expected: at(floats, f + F.EXPECTED) / decided })
}

function learnWander(floats: Float32Array, f: number, fleet: FleetKnowledge): void {
  const decided = at(floats, f + F.HOUR_N)
  if (decided === 0 || at(floats, f + F.HISTORY_N) < fleet.priorClients) return
  const mean = at(floats, f + F.MEAN)
  const moment = wanderOfHour({
    decided,
    failed: at(floats, f + F.HOUR_K),
    mean,
    rho: at(floats, f + F.RHO),
    pairs: at(floats, f + F.HOUR_PAIRS),
  })
  poolHour(fleet.pool, moment, mean)
  increase(floats, f + F.WANDER_EXCESS, moment.excess)
  increase(floats, f + F.WANDER_WEIGHT, moment.weight)
  increase(floats, f + F.WANDER_NOISE, moment.noise)
}

function learnCorrelation(floats: Float32Array, f: number): void {
  const moment = correlationOfHour({
    blocks: at(floats, f + F.BLOCKS),
    decided: at(floats, f + F.HOUR_N),
    failed: at(floats, f + F.HOUR_K),
    failedSquared: at(floats, f + F.BLOCK_KK),
    failedTimesDecided: at(floats, f + F.BLOCK_KN),
    decidedSquared: at(floats, f + F.BLOCK_NN),
    pairs: at(floats, f + F.HOUR_PAIRS),
  })
  if (moment.scale <= 0) return
  const rho = Math.min(LARGEST_RHO, moment.excess / moment.scale)
  increase(floats, f + F.RHO_SUM, rho * moment.information)
  increase(floats, f + F.RHO_INFORMATION, moment.information)
}

function forget(floats: Float32Array, f: number): void {
  for (let field: number = F.HISTORY_N; field <= F.RHO_INFORMATION; field++) {
    floats[f + field] = at(floats, f + field) * HOURLY_DECAY
  }
}

function closeBlock(floats: Float32Array, f: number): void {
  const n = at(floats, f + F.BLOCK_N)
  if (n === 0) return
  const k = at(floats, f + F.BLOCK_K)
  increase(floats, f + F.BLOCKS, 1)
  increase(floats, f + F.BLOCK_KK, k * k)
  increase(floats, f + F.BLOCK_KN, k * n)
  increase(floats, f + F.BLOCK_NN, n * n)
  floats[f + F.BLOCK_N] = 0
  floats[f + F.BLOCK_K] = 0
}

function clearHour(floats: Float32Array, ints: Int32Array, f: number, i: number): void {
  floats.fill(0, f + F.HOUR_N, f + F.BLOCK_K + 1)
  ints[i + I.SPOILT] = at(ints, i + I.INCIDENT) === 0 ? 0 : HOUR_SPOILT.rate
}

function dropHeld(floats: Float32Array, ints: Int32Array, f: number, i: number): void {
  floats[f + F.HELD_N] = 0
  floats[f + F.HELD_K] = 0
  ints[i + I.HELD] = 0
}
