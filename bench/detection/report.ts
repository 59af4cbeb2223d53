import { describeMachine, markdownTable, thousands } from '../machine.ts'
import { DROPS, type GridResult, type QuietResult } from './grid.ts'
import { KINDS } from './labels.ts'
import type { PrefixResult } from './prefix-run.ts'
import type { Score } from './score.ts'
import type { SpeedResult } from './speed.ts'

export const PARTS = ['grid', 'quiet', 'fleet', 'rules', 'stress', 'prefixes', 'speed'] as const
export type Part = (typeof PARTS)[number]
export type FleetScore = Score & { scenario: string; seed: number; networks: number; weeks: number }

export type Results = {
  grid: GridResult[]
  quiet: QuietResult[]
  fleet: FleetScore[]
  rules: FleetScore[]
  stress: FleetScore[]
  prefixes: PrefixResult[]
  speed: SpeedResult
}

/** RESULTS.md of what has been measured so far. */
export function report(results: Partial<Results>): string {
  const parts = [
    '# Detection: measured',
    '',
    'Made by `npm run bench -- detection`; what is simulated and how it is scored: `docs/detection.md`.',
    `Measured on ${describeMachine()}.`,
    ...(results.rules === undefined ? [] : rulesSection(results.rules)),
    ...(results.fleet === undefined ? [] : fleetSection(results.fleet)),
    ...(results.grid === undefined ? [] : gridSection(results.grid)),
    ...(results.quiet === undefined ? [] : quietSection(results.quiet)),
    ...(results.prefixes === undefined ? [] : prefixSection(results.prefixes)),
    ...(results.stress === undefined ? [] : stressSection(results.stress)),
    ...(results.speed === undefined ? [] : speedSection(results.speed)),
  ]
  return `${parts.join('\n')}\n`
}

function rulesSection(scores: FleetScore[]): string[] {
  const [first] = scores
  return [
    '',
    '## Why not a threshold',
    '',
    `${thousands(first?.networks ?? 0)} networks, ${first?.weeks} week after a week of learning, seed ${first?.seed}; the same traffic for all rules.`,
    '',
    markdownTable(
      [
        'rule',
        'false alarms per 10,000 networks and week',
        `networks wrongly alarmed in ${first?.outages} shared outages`,
        'detectable incidents found',
      ],
      scores.map((score) => [
        score.name,
        thousands(score.falseAlarms),
        thousands(score.alarmedInOutages),
        percent(score.recall),
      ]),
    ),
  ]
}

function fleetSection(scores: FleetScore[]): string[] {
  return [
    '',
    '## The fleet',
    '',
    markdownTable(
      [
        'seed',
        'networks',
        'false alarms per 10,000 networks and week',
        'in networks without bots',
        'networks alarmed per shared outage',
        'outages found',
        'false alarms about ourselves',
        'detectable found',
        'onset error, min',
        'recovery, min',
        're-opens per 50 flapping',
      ],
      scores.map((score) => [
        score.seed,
        thousands(score.networks),
        score.falseAlarms.toFixed(1),
        score.falseAlarmsWithoutBots.toFixed(1),
        `${(100 * score.alarmedPerOutage).toFixed(3)} %`,
        `${score.outagesFound} of ${score.outages}`,
        score.falseShared,
        percent(score.recall),
        score.onsetError,
        score.recovery,
        score.reopens.toFixed(1),
      ]),
    ),
    '',
    'Median delay in minutes, and how many of the detectable were found before they ended:',
    '',
    markdownTable(
      ['seed', ...KINDS],
      scores.map((score) => [
        score.seed,
        ...KINDS.map((kind) => {
          const { delay, found, detectable } = score.kinds[kind]
          return `${delay} (${found}/${detectable})`
        }),
      ]),
    ),
  ]
}

function gridSection(grid: GridResult[]): string[] {
  const ratios = grid.map(({ ratio }) => ratio).sort((a, b) => a - b)
  const quantile = (share: number) => ratios[Math.ceil(share * ratios.length) - 1] ?? Number.NaN
  const configurations = [...new Set(grid.map(({ volume, rho }) => `${volume} ${rho}`))]
  return [
    '',
    '## Single streams: delay against the bound',
    '',
    'Median delay in minutes, in brackets Lorden’s first-order bound, for one false alarm in ten years; base success rate 99.5 %.',
    `Delay over max(3 min, bound): median ${quantile(0.5).toFixed(2)}, p90 ${quantile(0.9).toFixed(2)}, worst ${quantile(1).toFixed(2)}.`,
    '',
    '![Delay against the bound](delay.svg)',
    '',
    markdownTable(
      ['clients a minute', 'ρ', ...DROPS.map((drop) => `drops to ${100 * drop} %`)],
      configurations.map((configuration) => {
        const [volume = 0, rho = 0] = configuration.split(' ').map(Number)
        const mine = grid.filter((result) => result.volume === volume && result.rho === rho)
        return [volume, rho, ...mine.map(({ delay, bound }) => `${delay} (${bound.toFixed(1)})`)]
      }),
    ),
  ]
}

function quietSection(quiet: QuietResult[]): string[] {
  return [
    '',
    '## Single streams: false alarms',
    '',
    markdownTable(
      ['clients a minute', 'ρ', 'stream-years', 'false alarms'],
      quiet.map(({ volume, rho, years, falseAlarms }) => [volume, rho, years, falseAlarms]),
    ),
  ]
}

function prefixSection(prefixes: PrefixResult[]): string[] {
  return [
    '',
    '## One prefix of forty',
    '',
    markdownTable(
      [
        'clients a minute of the network',
        'share of the prefix',
        'fails',
        'found',
        'median delay, min',
        'right prefix first after 5 min',
        'wrongly blamed',
      ],
      prefixes.map(({ volume, share, rate, networks, found, delay, right, wrong }) => [
        volume,
        percent(share),
        percent(rate),
        `${found} of ${networks}`,
        delay,
        percent(right),
        wrong,
      ]),
    ),
  ]
}

function stressSection(scores: FleetScore[]): string[] {
  return [
    '',
    '## What the method was not made for',
    '',
    markdownTable(
      [
        'scenario',
        'networks',
        'false alarms per 10,000 networks and week',
        'alarms during scans',
        'networks alarmed in shared outages',
        'detectable found',
      ],
      scores.map((score) => [
        score.scenario,
        thousands(score.networks),
        score.falseAlarms.toFixed(1),
        score.falseAlarmsInScans,
        score.alarmedInOutages,
        percent(score.recall),
      ]),
    ),
  ]
}

function speedSection({ streams, minute_cpu_ms, hour_cpu_ms, state_bytes }: SpeedResult): string[] {
  return [
    '',
    '## Cost',
    '',
    `${thousands(streams)} streams, each with a row in every minute: ${minute_cpu_ms.toFixed(0)} ms of CPU a minute, ${hour_cpu_ms.toFixed(0)} ms for the minute that turns the hour; state ${(state_bytes / 1e6).toFixed(1)} MB.`,
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 || share === 1 ? 0 : 1)} %`
}
