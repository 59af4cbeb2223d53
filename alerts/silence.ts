import type { Alert } from './alert.ts'
import { createAround } from './prefix-index.ts'
import type { Rule } from './rule.ts'
import { createWeek, type Weekly } from './weekly.ts'

/** A row of `silences`: for so long no new message is made about the alerts that it matches. Times in ms since 1970. */
export type Silence = Matchers & {
  id: string
  /** When in the week it holds; null for all the time from start to end. */
  weekly: Weekly | null
  author: string
  reason: string
  created_at: number
  starts_at: number
  ends_at: number
  /** Who ended it before its time, and why; '' where nobody did. */
  ended_by: string
  ended_reason: string
  /** 0 where nobody did. */
  ended_at: number
}

/** An alert must be named by every list that is not empty. */
export type Matchers = {
  rules: string[]
  severities: Rule['severity'][]
  asns: number[]
  labels: string[]
  /** Also all prefixes inside. */
  prefixes: string[]
  sites: string[]
}

export type Matched = Pick<Alert, 'rule' | 'severity' | 'asn' | 'label' | 'prefix' | 'site'>

export const SILENCE_STATES = ['active', 'pending', 'ended'] as const
export type SilenceState = (typeof SILENCE_STATES)[number]

/** `active` says nothing about the hours of the week. */
export function silenceState(silence: Silence, now: number): SilenceState {
  if (now >= endOf(silence)) return 'ended'
  return now < silence.starts_at ? 'pending' : 'active'
}

/** A silence that is read once and asked often. */
export type OpenSilence = {
  id: string
  matches(alert: Matched): boolean
  /** Until when it holds without a break, if it holds at that time. */
  holdsUntil(at: number): number | undefined
}

export function openSilence(silence: Silence): OpenSilence {
  const week = silence.weekly === null ? undefined : createWeek(silence.weekly)
  const end = endOf(silence)
  return {
    id: silence.id,
    matches: openMatchers(silence),
    holdsUntil(at) {
      if (at < silence.starts_at || at >= end) return undefined
      const until = week === undefined ? end : week.holdsUntil(at)
      return until === undefined ? undefined : Math.min(until, end)
    },
  }
}

/** Whether an alert is named by matchers. */
export function openMatchers({ rules, severities, asns, labels, prefixes, sites }: Matchers) {
  const around = createAround(prefixes.map((prefix) => ({ prefix })))
  const among = <Value>(values: readonly Value[]) => {
    const set = new Set(values)
    return (value: Value) => set.size === 0 || set.has(value)
  }
  const [rule, severity, asn] = [among(rules), among(severities), among(asns)]
  const [label, site] = [among(labels), among(sites)]
  return (alert: Matched) =>
    rule(alert.rule) &&
    severity(alert.severity) &&
    asn(alert.asn) &&
    label(alert.label) &&
    site(alert.site) &&
    (prefixes.length === 0 || around(alert.prefix).length > 0)
}

/** When it is over, or was. */
function endOf({ ends_at, ended_at }: Silence): number {
  return ended_at === 0 ? ends_at : ended_at
}
