import type { Random } from './random.ts'
import { type Scenario, WEEK } from './scenario.ts'

export type SimulatedNetwork = {
  volume: number
  base: number
  rho: number
  site: number
  /** Shift of its day against the site's, in hours. */
  shift: number
  /** First minute with traffic. */
  appears: number
  bot: boolean
}

export function createPopulation(scenario: Scenario, random: Random): SimulatedNetwork[] {
  const learning = scenario.learning_weeks * WEEK
  return Array.from({ length: scenario.networks }, (_, rank) => ({
    volume: scenario.largest_volume / (rank + 1) ** scenario.zipf,
    base: logUniform(scenario.base_rate, random),
    rho: logUniform(scenario.rho, random),
    site: random.below(scenario.sites),
    shift: 2 * random.normal(),
    appears: random.uniform() < scenario.newcomers ? learning + random.below(scenario.test_weeks * WEEK) : 0,
    bot: random.uniform() < scenario.bots,
  }))
}

export function logUniform([from, to]: readonly [number, number], random: Random): number {
  return from * (to / from) ** random.uniform()
}
