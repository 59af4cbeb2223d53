/**
 * One factor per site and hour of day (UTC) on the failure rate: what all networks of the site fail more or less at
 * that hour than their own histories say. Bots keep other hours than people.
 */
export type Season = {
  factor(site: string, hour: number): number
  /** Adds a minute's observed failures and those expected without the factor, both summed over capped networks. */
  note(site: string, hour: number, observed: number, expected: number): void
  /** A new hour begins: last hour's sums count, older ones fade. */
  turn(): void
}

const HALF_LIFE_DAYS = 14
const DECAY = 2 ** (-1 / (HALF_LIFE_DAYS * 24))
/** So many failures' worth of "no difference": the factor of a quiet site stays 1. */
const PRIOR_FAILURES = 50
const SMALLEST = 0.5
const LARGEST = 2
const HOURS = 24

export function createSeason(): Season {
  const sites = new Map<string, { observed: Float64Array; expected: Float64Array; factors: Float64Array }>()

  function siteOf(site: string) {
    const known = sites.get(site)
    if (known !== undefined) return known
    const fresh = {
      observed: new Float64Array(HOURS),
      expected: new Float64Array(HOURS),
      factors: new Float64Array(HOURS).fill(1),
    }
    sites.set(site, fresh)
    return fresh
  }

  return {
    factor: (site, hour) => siteOf(site).factors[hour] ?? 1,
    note(site, hour, observed, expected) {
      const sums = siteOf(site)
      sums.observed[hour] = (sums.observed[hour] ?? 0) + observed
      sums.expected[hour] = (sums.expected[hour] ?? 0) + expected
    },
    turn() {
      for (const sums of sites.values()) {
        for (let hour = 0; hour < HOURS; hour++) {
          const observed = (sums.observed[hour] ?? 0) * DECAY
          const expected = (sums.expected[hour] ?? 0) * DECAY
          sums.observed[hour] = observed
          sums.expected[hour] = expected
          const ratio = (observed + PRIOR_FAILURES) / (expected + PRIOR_FAILURES)
          sums.factors[hour] = Math.min(LARGEST, Math.max(SMALLEST, ratio))
        }
      }
    },
  }
}
