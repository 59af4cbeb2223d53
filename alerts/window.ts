import type { MinuteCounts } from './counts.ts'
import type { Rule } from './rule.ts'

/** How far back any rule looks at counts, seconds; 0 when none does. */
export function lookBack(rules: readonly Rule[]): number {
  return Math.max(
    0,
    ...rules.map(({ what }) => ('over_s' in what ? what.over_s : what.kind === 'no_data' ? 60 : 0)),
  )
}

/** The prefixes that the rules name: of these alone the counts are read. */
export function prefixesOf(rules: readonly Rule[]): string[] {
  const named = rules.filter(({ what }) => what.kind !== 'divergence').flatMap(({ who }) => who.prefixes)
  return [...new Set(named)]
}

/** The counts of a minute and of those before it, as far as any rule looks. */
export function windowAt(counts: readonly MinuteCounts[], minute: number, back: number): MinuteCounts[] {
  return counts.filter((one) => one.minute > minute - back && one.minute <= minute)
}
