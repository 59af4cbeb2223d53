import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runFleet } from './fleet-run.ts'
import { DROPS, measureDelays, measureQuiet, RHOS, VOLUMES } from './grid.ts'
import { createOurs, createThreshold, createZTest, type Judge } from './judges.ts'
import { delayPlot } from './plot.ts'
import type { SimulatedNetwork } from './population.ts'
import { measurePrefixes } from './prefix-run.ts'
import { type FleetScore, PARTS, type Part, type Results, report } from './report.ts'
import { type Scenario, STANDARD } from './scenario.ts'
import { scoreOf } from './score.ts'
import { measureSpeed } from './speed.ts'

const HELP = `npm run bench -- detection [options]

  --only PARTS      comma-separated: ${PARTS.join(', ')} (default: all)
  --seeds SEEDS     comma-separated seeds of the fleets (default: 101,102,103)
  --networks N      networks of a fleet (default: 10000; the comparisons of rules take a fifth)
  --weeks N         weeks judged after the week of learning (default: 1)
  --years N         stream-years of each quiet configuration (default: 10)
  --scenario FILE   JSON with fields of bench/detection/scenario.ts, in place of the standard ones
  --quick           small fleets, few repetitions: minutes instead of an hour

Each part leaves its numbers in bench/detection/results/; RESULTS.md and delay.svg are made of all of them.`

const here = import.meta.dirname
const folder = join(here, 'results')
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    seeds: { type: 'string', default: '101,102,103' },
    networks: { type: 'string', default: '10000' },
    weeks: { type: 'string', default: '1' },
    years: { type: 'string', default: '10' },
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seeds = values.seeds.split(',').map(Number)
const networks = values.quick ? 1000 : Number(values.networks)
const own: Partial<Scenario> =
  values.scenario === undefined ? {} : JSON.parse(readFileSync(values.scenario, 'utf8'))
const standard: Scenario = { ...STANDARD, networks, test_weeks: Number(values.weeks), ...own }

const RUNS: { [P in Part]: () => Results[P] } = { grid, quiet, fleet, rules, stress, prefixes, speed }

if (values.help) console.log(HELP)
else await main()

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const part of values.only.split(',')) {
    const run = RUNS[part as Part]
    if (run === undefined) throw new Error(`no part ${part}; there are ${PARTS.join(', ')}`)
    console.error(`${part} …`)
    writeFileSync(join(folder, `${part}.json`), `${JSON.stringify(run(), null, 2)}\n`)
    const results = readResults()
    writeFileSync(join(here, 'RESULTS.md'), report(results))
    if (results.grid !== undefined) writeFileSync(join(here, 'delay.svg'), delayPlot(results.grid))
  }
  console.log(report(readResults()))
}

function readResults(): Partial<Results> {
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      try {
        return [[part, JSON.parse(readFileSync(join(folder, `${part}.json`), 'utf8'))]]
      } catch {
        return [] // not measured yet
      }
    }),
  )
}

function grid(): Results['grid'] {
  const repetitions = values.quick ? 21 : 161
  return VOLUMES.flatMap((volume) =>
    RHOS.flatMap((rho) => {
      console.error(`  ${volume} a minute, rho ${rho}, success drops to ${DROPS.join(', ')}`)
      return measureDelays(volume, rho, repetitions, seeds[0] ?? 1)
    }),
  )
}

function quiet(): Results['quiet'] {
  const years = values.quick ? 2 : Number(values.years)
  return VOLUMES.flatMap((volume) =>
    RHOS.map((rho) => {
      console.error(`  ${years} years, ${volume} a minute, rho ${rho}`)
      return measureQuiet(volume, rho, years, seeds[0] ?? 1)
    }),
  )
}

function fleet(): Results['fleet'] {
  return seeds.flatMap((seed) => scores('standard', standard, seed, (all) => [createOurs(all, 'the method')]))
}

/** The same traffic under the rules to beat, and under the method without each of its parts. */
function rules(): Results['rules'] {
  const smaller = {
    ...standard,
    networks: Math.ceil(networks / 5),
    incidents: Math.ceil(standard.incidents / 5),
  }
  return scores('rules', smaller, seeds[0] ?? 1, (all) => [
    createThreshold(all.length),
    createZTest(all.length),
    createOurs(all, 'the method'),
    createOurs(all, '… without the contrast to the world', { world: false }),
    createOurs(all, '… without overdispersion', { overdispersion: false }),
    createOurs(all, '… without the worst-client rule', { worst_client: false }),
    createOurs(all, '… without the upper limit', { upper_limit: false }),
  ])
}

/** What the method was not made for. */
function stress(): Results['stress'] {
  const smaller = {
    ...standard,
    networks: Math.ceil(networks / 5),
    incidents: Math.ceil(standard.incidents / 5),
  }
  const scenarios: [string, Partial<Scenario>][] = [
    ['autocorrelated noise, 0.9 a minute', { autocorrelation: 0.9 }],
    ['drift twice as wide', { drift: 2 * STANDARD.drift }],
    ['60 scans from hundreds of addresses', { scans: 60 }],
    ['failing clients try again every minute', { retries: 1 }],
    ['a fifth of the networks with bots', { bots: 0.2 }],
  ]
  return scenarios.flatMap(([name, changes]) =>
    scores(name, { ...smaller, ...changes }, seeds[0] ?? 1, (all) => [createOurs(all, name)]),
  )
}

function scores(
  scenario: string,
  of: Scenario,
  seed: number,
  judges: (networks: SimulatedNetwork[]) => Judge[],
): FleetScore[] {
  const run = runFleet(of, seed, judges, (day, days) =>
    console.error(`  ${scenario}, seed ${seed}: day ${day} of ${days}`),
  )
  return run.judges.map((judge) => ({
    scenario,
    seed,
    networks: of.networks,
    weeks: of.test_weeks,
    ...scoreOf(judge, of, run.networks, run.labels),
  }))
}

function prefixes(): Results['prefixes'] {
  const count = values.quick ? 10 : 40
  return [
    { volume: 50, share: 0.03, rate: 1 },
    { volume: 500, share: 0.03, rate: 1 },
    { volume: 500, share: 0.1, rate: 0.5 },
    { volume: 500, share: 0.01, rate: 1 },
  ].map((setting) => measurePrefixes({ ...setting, networks: count }, seeds[0] ?? 1))
}

function speed(): Results['speed'] {
  return measureSpeed(10_000, 6)
}
