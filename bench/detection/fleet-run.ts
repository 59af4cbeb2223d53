import { createTraffic } from './generator.ts'
import type { Judge } from './judges.ts'
import { createLabels, type Labels } from './labels.ts'
import { createPopulation, type SimulatedNetwork } from './population.ts'
import { createRandom } from './random.ts'
import { type Scenario, WEEK } from './scenario.ts'

export type FleetRun = { networks: SimulatedNetwork[]; labels: Labels; judges: Judge[] }

/** One simulated fleet, seen by several rules at once. */
export function runFleet(
  scenario: Scenario,
  seed: number,
  judgesFor: (networks: SimulatedNetwork[]) => Judge[],
  onDay: (day: number, days: number) => void,
): FleetRun {
  const random = createRandom(seed)
  const networks = createPopulation(scenario, random)
  const labels = createLabels(scenario, networks, random)
  const traffic = createTraffic(scenario, networks, labels, seed + 1)
  const judges = judgesFor(networks)
  const minutes = (scenario.learning_weeks + scenario.test_weeks) * WEEK
  const emit = (network: number, n: number, k: number, worst: number, worstFailed: number) => {
    for (const judge of judges) judge.count(network, n, k, worst, worstFailed)
  }
  for (let t = 0; t < minutes; t++) {
    traffic.minute(t, emit)
    for (const judge of judges) judge.judge(t)
    if (t % 1440 === 1439) onDay((t + 1) / 1440, minutes / 1440)
  }
  return { networks, labels, judges }
}
