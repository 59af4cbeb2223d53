import type { Rule, What } from './rule.ts'
import { type RuleInFile, SENSITIVITIES } from './rule-schema.ts'

/** AS numbers by the name of their list. */
export type Lists = ReadonlyMap<string, readonly number[]>

/** Handshakes that a rate is made of, unless the rule says otherwise. */
const ENOUGH_FOR_A_RATE = 50

/** The rule as it is judged: lists resolved, durations in seconds, what was left out at its default. */
export function ruleOf(rule: RuleInFile, lists: Lists, file: string): Rule {
  const { id, summary, who, severity, receivers } = rule
  const what = whatOf(rule.what)
  const listed = (who.list ?? []).flatMap((name) => lists.get(name) ?? [])
  const rate = what.kind === 'success_rate' || what.kind === 'cause_share' || what.kind === 'handshake_time'
  return {
    id,
    summary,
    who: {
      any: who.any === true,
      asns: [...new Set([...(who.asn ?? []), ...listed])],
      labels: who.label ?? [],
      prefixes: who.prefix ?? [],
      sites: who.site ?? [],
      ip_version: who.ip_version,
      agents: who.agent ?? [],
      server_names: who.server_name ?? [],
    },
    what,
    for_s: rule.for / 1_000,
    minimum_handshakes: rule.minimum_handshakes ?? (rate ? ENOUGH_FOR_A_RATE : 0),
    severity,
    receivers,
    repeat_s: rule.repeat / 1_000,
    file,
  }
}

function whatOf({ divergence, success_rate, cause_share, handshake_time, volume }: RuleInFile['what']): What {
  if (divergence !== undefined) {
    const { sensitivity, minimum_excess } = divergence
    return { kind: 'divergence', minimum_evidence: SENSITIVITIES[sensitivity], minimum_excess }
  }
  if (success_rate !== undefined) {
    return { kind: 'success_rate', below: success_rate.below, over_s: success_rate.over / 1_000 }
  }
  if (cause_share !== undefined) {
    const { cause, above, over } = cause_share
    return { kind: 'cause_share', cause, above, over_s: over / 1_000 }
  }
  if (handshake_time !== undefined) {
    const { quantile, above, over } = handshake_time
    return { kind: 'handshake_time', quantile, above_ms: above, over_s: over / 1_000 }
  }
  if (volume !== undefined) {
    const { below, above, over } = volume
    return { kind: 'volume', below, above, over_s: over / 1_000 }
  }
  return { kind: 'no_data' }
}
