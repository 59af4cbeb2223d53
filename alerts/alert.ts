import { createHash } from 'node:crypto'
import type { Severity, What } from './rule.ts'

/** A row of the table `alerts`: that a rule holds for a subject, or held. Times in seconds since 1970. */
export type Alert = {
  /** Derived from rule, subject and beginning: the same minutes give the same id. */
  id: string
  rule: string
  severity: Severity
  state: 'firing' | 'resolved'
  /** What the rule looks at; `our_side` for an incident in which everybody fails. */
  kind: What['kind'] | 'our_side'
  /** `world`: all networks together; `networks`: several that began to fail together, as the incident names them. */
  scope: 'network' | 'prefix' | 'site' | 'world' | 'networks'
  asn: number
  label: string
  prefix: string
  site: string
  /** The detector's incident, '' for thresholds. */
  incident: string
  /** Start of the first bad minute. */
  started_at: number
  fired_at: number
  /** 0 while it fires. */
  resolved_at: number
  resolution: '' | 'recovered' | 'too_little_data' | 'rule_removed' | 'withdrawn'
  /** What was seen when it changed last, and what is allowed: shares, handshakes for `volume`, milliseconds for `handshake_time`. */
  value: number
  threshold: number
  explanation: string
  /** Who is told. */
  receivers: string[]
  /** The evaluated minute in which it changed last. */
  minute: number
}

/** Whom an alert or a verdict is about. */
export type Subject = Pick<Alert, 'scope' | 'asn' | 'label' | 'prefix' | 'site'>

export function subjectKey({ scope, asn, label, prefix, site }: Subject): string {
  return JSON.stringify([scope, asn, label, prefix, site])
}

/** A short name made of what it stands for: the same parts, the same name. */
export function nameOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** Its last state counts: a resolved alert after the firing one of the same minute. */
export function versionOf({ minute, state }: Pick<Alert, 'minute' | 'state'>): number {
  return minute * 2 + (state === 'resolved' ? 1 : 0)
}
