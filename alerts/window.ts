import { isNarrow, type Lens, lensKey, type MinuteCounts } from './counts.ts'
import type { Rule, Threshold } from './rule.ts'

export type ThresholdRule = Rule & { what: Threshold }

/** What must be read of the store for the thresholds of rules. */
export type Asked = {
  /** How far back any of them looks, seconds; 0 when none does. */
  back: number
  /** Of these alone, and what lies inside, the counts by prefix are read. */
  prefixes: string[]
  /** What is read of single handshakes; undefined when no rule needs them. */
  single: AskedSingle | undefined
  /** Whose handshake times are read, and through which lens. */
  times: { lens: Lens; asns: number[] }[]
}

export type AskedSingle = {
  agents: string[]
  server_names: string[]
  /** Empty for all networks. */
  asns: number[]
  prefixes: string[]
}

export function askedOf(rules: readonly Rule[]): Asked {
  const thresholds = rules.filter(isThreshold)
  const narrow = thresholds.filter(({ who }) => isNarrow(who))
  return {
    back: Math.max(0, ...thresholds.map((rule) => lensOf(rule).over_s)),
    prefixes: prefixesOf(thresholds.filter(({ who }) => !isNarrow(who))),
    single: narrow.length === 0 ? undefined : singleOf(narrow),
    times: timesOf(thresholds),
  }
}

/** The counts of a minute and of those before it, as far as any rule looks. */
export function windowAt(counts: readonly MinuteCounts[], minute: number, back: number): MinuteCounts[] {
  return counts.filter((one) => one.minute > minute - back && one.minute <= minute)
}

export function lensOf({ who, what }: ThresholdRule): Lens {
  const { sites, ip_version, agents, server_names } = who
  return { over_s: what.kind === 'no_data' ? 60 : what.over_s, sites, ip_version, agents, server_names }
}

export function isThreshold(rule: Rule): rule is ThresholdRule {
  return rule.what.kind !== 'divergence'
}

function singleOf(rules: readonly Rule[]): AskedSingle {
  return {
    agents: unique(rules.flatMap(({ who }) => who.agents)),
    server_names: unique(rules.flatMap(({ who }) => who.server_names)),
    asns: asnsOf(rules),
    prefixes: prefixesOf(rules),
  }
}

function timesOf(rules: readonly ThresholdRule[]): Asked['times'] {
  const byLens = new Map<string, ThresholdRule[]>()
  for (const rule of rules) {
    if (rule.what.kind !== 'handshake_time') continue
    const key = lensKey(lensOf(rule))
    byLens.set(key, [...(byLens.get(key) ?? []), rule])
  }
  return [...byLens.values()].flatMap((own) =>
    own.slice(0, 1).map((first) => ({ lens: lensOf(first), asns: asnsOf(own) })),
  )
}

/** The networks that the rules name, if they name nothing else. */
function asnsOf(rules: readonly Rule[]): number[] {
  const isOther = ({ who }: Rule) => who.any || who.labels.length > 0 || who.prefixes.length > 0
  return rules.some(isOther) ? [] : unique(rules.flatMap(({ who }) => who.asns))
}

function prefixesOf(rules: readonly Rule[]): string[] {
  return unique(rules.flatMap(({ who }) => who.prefixes))
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)]
}
