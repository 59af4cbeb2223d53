import { TEN_YEARS } from '../../detector/options.ts'
import { lordenBound } from './bound.ts'
import { logUniform, type SimulatedNetwork } from './population.ts'
import type { Random } from './random.ts'
import { type Scenario, WEEK } from './scenario.ts'

export const KINDS = ['total', 'half', 'tenth', 'fiftieth', 'ramp', 'flapping', 'short'] as const
export type IncidentKind = (typeof KINDS)[number]

/** A labelled incident: the share of clients that used to succeed and fail from `from` up to `to`. */
export type Label = {
  kind: IncidentKind
  network: number
  from: number
  to: number
  share: number
  /** Whether a perfect rule could be expected to find it: twice the bound and three minutes fit in. */
  detectable: boolean
}

/** A fault of ours: every network of a site (or of all, −1) loses this share. */
export type Outage = { site: number; from: number; to: number; share: number }
export type Gap = { from: number; to: number }
export type Scan = { network: number; from: number; to: number; clients: number }
export type Labels = { incidents: Label[]; outages: Outage[]; gaps: Gap[]; scans: Scan[] }

const SHARES: Record<IncidentKind, number> = {
  total: 1,
  half: 0.5,
  tenth: 0.1,
  fiftieth: 0.02,
  ramp: 0.6,
  flapping: 0.8,
  short: 0.9,
}
/** No two labels on one network come closer than this. */
const APART = 360
export const RAMP_MINUTES = 30
export const FLAP_MINUTES = 10

export function createLabels(scenario: Scenario, networks: SimulatedNetwork[], random: Random): Labels {
  const start = scenario.learning_weeks * WEEK
  const weeks = scenario.test_weeks
  const anywhere = (margin: number) => start + random.below(weeks * WEEK - margin)
  const outages = many(scenario.outages * weeks, () => {
    const from = anywhere(120)
    const site = random.uniform() < 0.5 ? -1 : random.below(scenario.sites)
    return { site, from, to: from + 10 + random.below(40), share: logUniform([0.05, 1], random) }
  })
  const gaps = many(scenario.gaps * weeks, () => {
    const from = anywhere(120)
    return { from, to: from + 5 + random.below(30) }
  })
  const scans = many(scenario.scans * weeks, () => {
    const from = anywhere(400)
    const network = pick(networks, random)
    const clients = Math.max(2, (networks[network]?.volume ?? 0) * logUniform([0.3, 3], random))
    return { network, from, to: from + 20 + random.below(200), clients }
  })
  const incidents = createIncidents(scenario, networks, random, anywhere)
  return { incidents, outages, gaps, scans }
}

function createIncidents(
  scenario: Scenario,
  networks: SimulatedNetwork[],
  random: Random,
  anywhere: (margin: number) => number,
): Label[] {
  const busy = new Map<number, Label[]>()
  const incidents: Label[] = []
  while (incidents.length < scenario.incidents * scenario.test_weeks) {
    const kind = KINDS[incidents.length % KINDS.length] ?? 'total'
    const network = pick(networks, random)
    const from = anywhere(800)
    const to = from + durationOf(kind, random)
    const others = busy.get(network) ?? []
    const clash = others.some((other) => from < other.to + APART && other.from < to + APART)
    const properties = networks[network]
    if (clash || properties === undefined || properties.appears > from - 1440) continue
    const detectable = isDetectable(properties, kind, from, to)
    const label = { kind, network, from, to, share: SHARES[kind], detectable }
    busy.set(network, [...others, label])
    incidents.push(label)
  }
  return incidents
}

function isDetectable(network: SimulatedNetwork, kind: IncidentKind, from: number, to: number): boolean {
  const share = SHARES[kind] * (kind === 'flapping' || kind === 'ramp' ? 0.5 : 1)
  const failing = network.base + (1 - network.base) * share
  const { volume, rho, base: healthy } = network
  const bound = lordenBound({ volume, rho, healthy, failing, alarmMinutes: TEN_YEARS })
  return 2 * bound + 3 <= to - from
}

function durationOf(kind: IncidentKind, random: Random): number {
  if (kind === 'short') return 6 + random.below(5)
  if (kind === 'flapping') return 60 + random.below(120)
  return Math.round(logUniform([20, 720], random))
}

/** Networks of all sizes alike: uniform in the logarithm of the rank. */
function pick(networks: SimulatedNetwork[], random: Random): number {
  return Math.min(networks.length - 1, Math.floor(networks.length ** random.uniform()) - 1)
}

function many<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

/** Share of the clients lost to the label's fault in minute t. */
export function shareAt(label: Label, t: number): number {
  if (t < label.from || t >= label.to) return 0
  if (label.kind === 'ramp') return label.share * Math.min(1, (t - label.from + 1) / RAMP_MINUTES)
  if (label.kind === 'flapping') return (t - label.from) % FLAP_MINUTES < FLAP_MINUTES / 2 ? label.share : 0
  return label.share
}
