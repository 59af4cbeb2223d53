/** What has been seen of a stream since the onset, as far as the gate asks. */
export type Episode = {
  /** Clients decided and failed, one per client and minute. */
  decided: number
  failed: number
  /** Rate a healthy stream would have had over the same clients. */
  expected: number
  /** Distinct failing clients: a lower bound. */
  failingClients: number
  /** Failures of the worst client among `failed`. */
  worstClient: number
}

export const SMALLEST_COUNT = 5
export const SMALLEST_TOTAL = 4
export const SMALLEST_EXCESS = 0.01
export const SMALLEST_CLIENTS = 3

/**
 * Whether the rate itself is worth an alarm: at least 5 failures and 1 percentage point above the expected rate. Four
 * suffice where nobody succeeded: a network of one client a minute that goes dark is found as soon as a larger one.
 */
export function isSubstantial({ failed, decided, expected }: Episode): boolean {
  const enough = failed === decided ? SMALLEST_TOTAL : SMALLEST_COUNT
  return failed >= enough && failed / decided - expected >= SMALLEST_EXCESS
}

/**
 * Whether the rate is far beyond what any network usually has: 20 points. A network without a past has nothing to
 * have risen above, so for it nothing less will do.
 */
export function isDrastic(episode: Pick<Episode, 'decided' | 'failed' | 'expected'>): boolean {
  return episode.failed / episode.decided - episode.expected >= DRASTIC_EXCESS
}

const DRASTIC_EXCESS = 0.2

/**
 * Whether the failures are many clients' and not one's: three of them, and without the worst client half of the
 * excess is still there. The worst client's successes are unknown, so only its failures are taken out.
 */
export function isManyClients(episode: Episode): boolean {
  if (episode.failingClients < SMALLEST_CLIENTS) return false
  const excess = episode.failed - episode.expected * episode.decided
  const others = episode.failed - episode.worstClient
  const decided = episode.decided - episode.worstClient
  return others - episode.expected * decided >= excess / 2
}

/**
 * Chernoff exponent of seeing at most `seen` events where `usual` were expected (Poisson):
 * usual − seen + seen·ln(seen/usual), 0 when there were at least as many. P(as few) ≤ exp(−exponent).
 */
export function chernoffBelow(seen: number, usual: number): number {
  if (seen >= usual) return 0
  return usual - seen + (seen > 0 ? seen * Math.log(seen / usual) : 0)
}

/** Chernoff exponent of seeing at least `seen` events where `usual` were expected, as {@link chernoffBelow}. */
export function chernoffAbove(seen: number, usual: number): number {
  if (seen <= usual) return 0
  return usual > 0 ? usual - seen + seen * Math.log(seen / usual) : Number.POSITIVE_INFINITY
}

export const COLLAPSE_EXPONENT = 11.5

/** Whether successes have collapsed: an exponent of 11.5 against *half* of what the last two hours promised. */
export function hasCollapsed(successes: number, usual: number): boolean {
  return chernoffBelow(successes, usual / 2) >= COLLAPSE_EXPONENT
}

/** Traffic of a stream since the onset beside what the last 40 minutes promised for that time. */
export type Traffic = {
  decided: number
  failed: number
  /** Failures a healthy stream would have had. */
  expectedFailed: number
  usualDecided: number
  usualSucceeded: number
}

/**
 * Whether the failures came *on top of* the usual traffic instead of out of it: there are far more clients than
 * usual, the surplus is about as large as the excess, and those who usually succeed still do. That is a scanner
 * spread over many addresses, not a network that fails. A surplus below a quarter may be the morning, a few
 * successes less may be the evening.
 */
export function isExtraTraffic(traffic: Traffic): boolean {
  const { decided, failed, expectedFailed, usualDecided, usualSucceeded } = traffic
  const surplus = decided - usualDecided
  if (surplus < 0.25 * usualDecided || surplus < 0.7 * (failed - expectedFailed)) return false
  if (chernoffAbove(decided / SPREAD, usualDecided / SPREAD) < SURPLUS_EXPONENT) return false
  return chernoffBelow((decided - failed) / SPREAD, (EVENING * usualSucceeded) / SPREAD) < MISSING_EXPONENT
}

/** Client counts spread more than Poisson's: counts and means are divided by this before the bound is taken. */
const SPREAD = 2
const SURPLUS_EXPONENT = 2
const MISSING_EXPONENT = 3
const EVENING = 0.85
