import { DAY, type Window, windowOf } from './window.ts'

/** How far back a network's own past reaches before the window. */
export const BASELINE_MS = 7 * DAY
/** Fewer handshakes than this, completed or failed, make no baseline: one more failure would change the rate by too much. */
export const LEAST_BASELINE = 50

export type Decided = { completed: number; failed: number }

export type Comparison = {
  success_rate: number | null
  baseline_success_rate: number | null
  baseline_handshakes: number
  world_success_rate: number | null
  divergence: number | null
  excess_failures: number | null
}

/**
 * A network's rate beside its own past and the rest of the world. What is expected is the lower of the two rates:
 * a network diverges only when it does worse than it used to *and* worse than the others now.
 */
export function compare(now: Decided, past: Decided, world: Decided): Comparison {
  const success = rateOf(now)
  const baseline = past.completed + past.failed < LEAST_BASELINE ? null : rateOf(past)
  const others = rateOf(world)
  const expected = lower(baseline, others)
  const known = success !== null && expected !== null
  return {
    success_rate: success,
    baseline_success_rate: baseline,
    baseline_handshakes: past.completed + past.failed,
    world_success_rate: others,
    divergence: known ? expected - success : null,
    excess_failures: known ? (expected - success) * (now.completed + now.failed) : null,
  }
}

/** The same as SQL over columns completed, failed, past_completed, past_failed, world_completed and world_failed. */
export const COMPARISON_SQL = `
    if(completed + failed > 0, completed / (completed + failed), NULL) AS success_rate,
    if(past_completed + past_failed >= ${LEAST_BASELINE}, past_completed / (past_completed + past_failed), NULL) AS baseline_rate,
    if(world_completed + world_failed > 0, world_completed / (world_completed + world_failed), NULL) AS world_rate,
    coalesce(least(baseline_rate, world_rate), baseline_rate, world_rate) AS expected_rate,
    expected_rate - success_rate AS divergence,
    divergence * (completed + failed) AS excess_failures`

/** The time before the window that makes the baseline. */
export function baselineWindow(window: Window, minutesKeptFrom: number): Window {
  return windowOf(window.from - BASELINE_MS, window.from, { minutesKeptFrom })
}

function rateOf({ completed, failed }: Decided): number | null {
  return completed + failed === 0 ? null : completed / (completed + failed)
}

function lower(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
