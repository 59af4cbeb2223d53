import type { Incident } from '../detector/incident.ts'
import type { Alert } from './alert.ts'
import type { MinuteCounts } from './counts.ts'
import { judgeDivergence } from './judge-divergence.ts'
import { judgeThreshold } from './judge-threshold.ts'
import type { Rule } from './rule.ts'

/** All that is remembered from minute to minute. Plain data: it is stored as JSON. */
export type State = {
  /** The minute that was evaluated last, seconds since 1970; 0 before the first. */
  minute: number
  /** Since when each rule is judged: what was over before that is none of its alerts. */
  rules: Record<string, number>
  /** Thresholds that are crossed, or were until lately. */
  watches: Record<string, Watch>
  /** Incidents for which a rule gave an alert. */
  handled: Record<string, Handled>
  /** What ended lately: a message about its group may be due only later. */
  ended: Alert[]
}

/** A threshold that is crossed by a subject. Spans in seconds. */
export type Watch = {
  rule: string
  /** Start of the first bad minute. */
  since: number
  held: number
  good: number
  quiet: number
  alert: Alert | null
}

export type Handled = { rule: string; reopened: number; alert: Alert }

export type MinuteInput = {
  /** The minute to evaluate. */
  minute: number
  /** Its counts and those of the minutes before it, as far back as any rule looks. */
  window: readonly MinuteCounts[]
  /** Last known states of all incidents that are open or were closed within the last day. */
  incidents: readonly Incident[]
  /** Whether this program was there to take events; if not, a minute without any says nothing. */
  observed: boolean
}

export const MINUTE = 60
/** Longer than any message is put off. */
const REMEMBERED_ENDED = 900

export function initialState(): State {
  return { minute: 0, rules: {}, watches: {}, handled: {}, ended: [] }
}

/**
 * Judges one minute by all rules. Pure: live evaluation, catching up after a pause and the backtest are this function.
 * Returns the state after it, and the alerts that began or ended.
 */
export function evaluateMinute(
  rules: readonly Rule[],
  state: State,
  input: MinuteInput,
): { state: State; changes: Alert[] } {
  const before = { ...state, rules: sinceOf(rules, state, input.minute) }
  const thresholds = judgeThreshold(rules, before, input)
  const divergences = judgeDivergence(rules, before, input)
  const changes = [...divergences.changes, ...thresholds.changes]
  const lately = state.ended.filter(({ minute }) => minute > input.minute - REMEMBERED_ENDED)
  return {
    state: {
      minute: input.minute,
      rules: before.rules,
      watches: thresholds.watches,
      handled: divergences.handled,
      ended: [...lately, ...changes.filter((alert) => alert.state === 'resolved')],
    },
    changes,
  }
}

/** The alerts that fire in a state. */
export function firingIn({ watches, handled }: State): Alert[] {
  const alerts = [...Object.values(handled), ...Object.values(watches)].map(({ alert }) => alert)
  return alerts.filter((alert) => alert?.state === 'firing') as Alert[]
}

/** A rule by another kind of condition is another rule, also under the same id. */
export function ruleKey({ id, what }: Pick<Rule, 'id' | 'what'>): string {
  return `${id}:${what.kind}`
}

export function firing(
  rule: Rule,
  about: Omit<Alert, 'rule' | 'severity' | 'state' | 'resolved_at' | 'resolution' | 'receivers'>,
): Alert {
  return {
    ...about,
    rule: rule.id,
    severity: rule.severity,
    state: 'firing',
    resolved_at: 0,
    resolution: '',
    receivers: rule.receivers ?? [],
  }
}

export function resolved(
  alert: Alert,
  about: Pick<Alert, 'resolved_at' | 'minute'> & { resolution: Exclude<Alert['resolution'], ''> },
): Alert {
  return { ...alert, ...about, state: 'resolved' }
}

function sinceOf(rules: readonly Rule[], state: State, minute: number): Record<string, number> {
  return Object.fromEntries(rules.map((rule) => [ruleKey(rule), state.rules[ruleKey(rule)] ?? minute]))
}
