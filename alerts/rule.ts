import type { Cause } from '../core/causes.ts'

export const SEVERITIES = ['critical', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A rule as it is judged: lists resolved, durations in seconds, shares from 0 to 1. */
export type Rule = {
  /** Stable over edits: alerts, messages and history are known by it. */
  id: string
  summary: string
  who: Who
  what: What
  /** How long the condition must hold. */
  for_s: number
  /** Completed and failed handshakes below which nothing is concluded. */
  minimum_handshakes: number
  severity: Severity
  /** Names of receivers; undefined means all that are configured. */
  receivers: string[] | undefined
  /** After so long a message is sent again while the alert lasts. */
  repeat_s: number
  /** Where it is written; '' for a rule made through the API. */
  file: string
}

/** Whom a rule is about: any network, or those that one of the lists names; narrowed down by the rest, where it is not empty. */
export type Who = {
  any: boolean
  asns: number[]
  labels: string[]
  prefixes: string[]
  sites: string[]
  ip_version: 4 | 6 | undefined
  /** Handshakes that one of these agents reported. */
  agents: string[]
  /** Handshakes that asked for one of these names, lower case; `*.example.com` is every name below example.com. */
  server_names: string[]
}

/** Of the time that completed handshakes take. */
export const QUANTILES = ['p50', 'p95'] as const
export type Quantile = (typeof QUANTILES)[number]

export type What =
  | { kind: 'divergence'; minimum_evidence: number; minimum_excess: number }
  | { kind: 'success_rate'; below: number; over_s: number }
  | { kind: 'cause_share'; cause: Cause; above: number; over_s: number }
  | { kind: 'handshake_time'; quantile: Quantile; above_ms: number; over_s: number }
  | { kind: 'volume'; below: number | undefined; above: number | undefined; over_s: number }
  | { kind: 'no_data' }

export type Threshold = Exclude<What, { kind: 'divergence' }>
