import { CAUSES, type CauseInfo } from '../core/causes.ts'
import type { Incident } from '../detector/incident.ts'
import type { Alert } from './alert.ts'
import type { Facts } from './facts.ts'
import { linksOf, type Places } from './links.ts'
import type { Notification } from './notification.ts'
import type { Rule } from './rule.ts'
import { narrowedTo, sentenceOf, textOf, titleOf } from './words.ts'

/** A message lists at most so many alerts; the rest is counted. */
export const MOST_ALERTS = 200

/** What a webhook gets as JSON, and what the other receivers make their messages of. Documented in docs/alerts.md. */
export type Message = {
  version: 1
  /** The idempotency key. */
  id: string
  status: 'firing' | 'resolved'
  /** When it was put into the queue. */
  created_at: string
  /** Sent before, and still so. */
  repeated: boolean
  receiver: string
  /** Stable for as long as the rule and the network are what they are. */
  group: string
  rule: { id: string; summary: string; severity: Alert['severity'] }
  title: string
  text: string
  alerts: AlertInMessage[]
  /** Alerts that are not listed. */
  more_alerts: number
}

export type AlertInMessage = {
  id: string
  status: 'firing' | 'resolved'
  kind: Alert['kind']
  scope: Alert['scope']
  asn: number
  network: string
  label: string
  prefix: string
  site: string
  /** What of the subject the rule looks at, in words; '' for all. */
  narrowed_to: string
  started_at: string
  fired_at: string
  resolved_at: string | null
  resolution: Alert['resolution']
  /** In one sentence. */
  explanation: string
  value: number
  threshold: number
  success_rate: number | null
  /** What at most was to be expected to fail; null for thresholds. */
  expected_failure_rate: number | null
  completed: number
  failed: number
  failing_prefixes: number
  failing_clients: number
  cause: {
    name: string
    title: string
    share: number
    evidence: string
    meaning: string
    advice: string
  } | null
  links: Record<string, string>
}

export type Told = { alert: Alert; facts: Facts; incident: Incident | undefined }

export function messageOf(
  about: Pick<Notification, 'id' | 'receiver' | 'status' | 'group_key' | 'created_at'> & {
    repeated: boolean
  },
  { told, rule, places }: { told: readonly Told[]; rule: Rule | undefined; places: Places },
): Message {
  const { id, receiver, status, group_key, repeated } = about
  const alerts = [...told].sort(worstFirst).map((one) => alertInMessage(one, rule, places))
  const [first] = alerts
  const severity = told[0]?.alert.severity ?? 'warning'
  const title = titleOf(status, severity, alerts)
  return {
    version: 1,
    id,
    status,
    created_at: new Date(about.created_at).toISOString(),
    repeated,
    receiver,
    group: group_key,
    rule: { id: told[0]?.alert.rule ?? '', summary: rule?.summary ?? '', severity },
    title,
    text: textOf(alerts, first),
    alerts: alerts.slice(0, MOST_ALERTS),
    more_alerts: Math.max(0, alerts.length - MOST_ALERTS),
  }
}

function alertInMessage(
  { alert, facts, incident }: Told,
  rule: Rule | undefined,
  places: Places,
): AlertInMessage {
  const { id, kind, scope, asn, label, prefix, site, value, threshold, resolution } = alert
  const decided = facts.completed + facts.failed
  const cause = causeOf(alert, facts, incident)
  const narrowed_to = narrowedTo(rule)
  const named = { ...alert, network: facts.network, narrowed_to }
  return {
    id,
    status: alert.state,
    kind,
    scope,
    asn,
    network: facts.network,
    label,
    prefix,
    site,
    narrowed_to,
    started_at: iso(alert.started_at),
    fired_at: iso(alert.fired_at),
    resolved_at: alert.resolved_at === 0 ? null : iso(alert.resolved_at),
    resolution,
    explanation: alert.explanation === '' ? sentenceOf(named, facts, rule) : alert.explanation,
    value,
    threshold,
    success_rate: decided === 0 ? null : facts.completed / decided,
    expected_failure_rate: alert.incident === '' ? null : threshold,
    completed: facts.completed,
    failed: facts.failed,
    failing_prefixes: facts.failing_prefixes,
    failing_clients: facts.failing_clients,
    cause,
    links: linksOf(alert, places),
  }
}

/** The cause that the detector found in the excess, else the most frequent one. */
function causeOf(
  { incident: id }: Alert,
  facts: Facts,
  incident: Incident | undefined,
): AlertInMessage['cause'] {
  const fromIncident = id !== '' && incident !== undefined && incident.cause !== ''
  const name = fromIncident ? incident.cause : facts.cause
  const share = fromIncident ? incident.cause_share : facts.cause_share
  const known: Record<string, CauseInfo> = CAUSES
  const info = Object.hasOwn(known, name) ? known[name] : undefined
  if (info === undefined) return null
  const { title, meaning, advice } = info
  return { name, title, share, evidence: name === facts.cause ? facts.evidence : '', meaning, advice }
}

/** Where a person looks first. */
export function mainLink({ links }: Pick<AlertInMessage, 'links'>): string | undefined {
  return links['page']
}

/** Whole networks before their prefixes, what fires before what has ended. */
function worstFirst(a: Told, b: Told): number {
  const rank = ({ alert }: Told) => (alert.state === 'firing' ? 0 : 2) + (alert.scope === 'prefix' ? 1 : 0)
  return rank(a) - rank(b) || b.alert.value - a.alert.value
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
}
