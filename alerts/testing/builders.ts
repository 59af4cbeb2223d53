import type { Incident } from '../../detector/incident.ts'
import type { Alert } from '../alert.ts'
import type { Count } from '../counts.ts'
import type { Rule } from '../rule.ts'
import type { Silence } from '../silence.ts'

/** Builders for tests; times are seconds since 1970. */

export const START = 1_790_000_040

export function ruleOf(given: Partial<Rule> & Pick<Rule, 'what'>): Rule {
  return {
    id: 'rule',
    summary: '',
    who: whoOf({ any: true }),
    for_s: 0,
    minimum_handshakes: 0,
    severity: 'warning',
    receivers: undefined,
    repeat_s: 4 * 3600,
    file: 'rules.yaml',
    ...given,
  }
}

export function whoOf(given: Partial<Rule['who']>): Rule['who'] {
  return {
    ...{ any: false, asns: [], labels: [], prefixes: [], sites: [], ip_version: undefined },
    ...{ agents: [], server_names: [] },
    ...given,
  }
}

export const DIVERGENCE = { kind: 'divergence', minimum_evidence: 0, minimum_excess: 0 } as const

/** 100 handshakes of AS64500 in the first minute, of which none failed. */
export function countOf(given: Partial<Count> = {}): Count {
  const completed = given.completed ?? 100
  const failed = given.failed ?? 0
  return {
    minute: START,
    asn: 64_500,
    label: '',
    prefix: '',
    site: 'fra',
    ip_version: 4,
    completed,
    failed,
    handshakes: completed + failed,
    causes: {},
    ...given,
  }
}

/** An open incident of AS64500, opened in the first minute. */
export function incidentOf(given: Partial<Incident> = {}): Incident {
  const opened = given.opened_at ?? START
  return {
    id: 'incident-1',
    scope: 'network',
    kind: 'divergence',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    state: given.closed_at === undefined || given.closed_at === 0 ? 'open' : 'closed',
    onset: opened - 180,
    opened_at: opened,
    closed_at: 0,
    reopened: 0,
    expected_rate: 0.006,
    failure_rate: 0.41,
    failed: 43,
    decided: 105,
    clients: 60,
    failing_clients: 37,
    prefixes: ['192.0.2.0/24', '198.51.100.0/24'],
    members: [],
    evidence: 6e6,
    odds: 'a healthy network would look this bad about once in 11 years',
    world_excess: 0,
    cause: 'mtu_inbound',
    cause_share: 0.92,
    dimension: '',
    explanation: "AS64500 Example Net: 41 % of clients' handshakes fail",
    version: opened,
    updated_at: opened,
    ...given,
  }
}

/** An alert about AS64500 that fires since the first minute, of the rule "rule". */
export function alertOf(given: Partial<Alert> = {}): Alert {
  return {
    id: 'a',
    rule: 'rule',
    severity: 'warning',
    state: 'firing',
    kind: 'divergence',
    scope: 'network',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    incident: 'incident-1',
    started_at: given.fired_at ?? START,
    fired_at: START,
    resolved_at: 0,
    resolution: '',
    value: 0.41,
    threshold: 0.006,
    explanation: '',
    receivers: [],
    minute: START,
    ...given,
  }
}

/** A silence of everything from the first minute on, for an hour. */
export function silenceOf(given: Partial<Silence> = {}): Silence {
  return {
    id: 'silence',
    rules: [],
    severities: [],
    asns: [],
    labels: [],
    prefixes: [],
    sites: [],
    weekly: null,
    author: 'Ada',
    reason: 'Maintenance',
    created_at: START * 1_000,
    starts_at: START * 1_000,
    ends_at: (START + 3_600) * 1_000,
    ended_by: '',
    ended_reason: '',
    ended_at: 0,
    ...given,
  }
}
