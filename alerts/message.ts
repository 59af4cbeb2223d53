import { CAUSES, type CauseInfo } from '../core/causes.ts'
import type { Incident } from '../detector/incident.ts'
import type { Alert } from './alert.ts'
import type { Facts } from './facts.ts'
import { linksOf, type Places } from './links.ts'
import type { Notification } from './notification.ts'
import type { Rule } from './rule.ts'

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

export function subjectOf(
  alert: Pick<AlertInMessage, 'scope' | 'asn' | 'network' | 'label' | 'prefix' | 'site'> & {
    narrowed_to?: string
  },
): string {
  const { narrowed_to = '' } = alert
  return narrowed_to === '' ? wholeOf(alert) : `${wholeOf(alert)} (${narrowed_to})`
}

/** Alerts of thresholds are about that alone; incidents say in their sentence where they lie. */
function narrowedTo(rule: Rule | undefined): string {
  if (rule === undefined || rule.what.kind === 'divergence') return ''
  const { any, sites, ip_version, agents, server_names } = rule.who
  const { kind } = rule.what
  // Each site is then a subject of its own, and named as such.
  const bySite = any && (kind === 'no_data' || kind === 'volume')
  return [
    ...(bySite || sites.length === 0 ? [] : [`site ${oneOf(sites)}`]),
    ...(ip_version === undefined ? [] : [`IPv${ip_version}`]),
    ...(agents.length === 0 ? [] : [`agent ${oneOf(agents)}`]),
    ...(server_names.length === 0 ? [] : [`server name ${oneOf(server_names)}`]),
  ].join(', ')
}

/** A title has room for a few names. */
function oneOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(' or ')
  return names.length > 3 ? `${shown} or one of ${names.length - 3} more` : shown
}

function wholeOf(
  alert: Pick<AlertInMessage, 'scope' | 'asn' | 'network' | 'label' | 'prefix' | 'site'>,
): string {
  const { scope, asn, network, label, prefix, site } = alert
  if (scope === 'world') return 'All networks'
  if (scope === 'networks') return 'Several networks together'
  if (scope === 'site') return `All networks at site ${site === '' ? '(unnamed)' : site}`
  const named = [asn > 0 ? `AS${asn}` : '', label !== '' ? label : network]
    .filter((part) => part !== '')
    .join(' ')
  if (scope === 'network') return named
  return named === '' ? prefix : `${prefix} of ${named}`
}

function titleOf(status: 'firing' | 'resolved', severity: string, alerts: readonly AlertInMessage[]): string {
  const [first] = alerts
  if (first === undefined) return status
  const prefixes = alerts.filter(({ scope }) => scope === 'prefix').length
  const whole = alerts.find(({ scope }) => scope !== 'prefix')
  const subject =
    whole !== undefined || prefixes === 1
      ? subjectOf(whole ?? first)
      : `${prefixes} prefixes of ${subjectOf({ ...first, scope: 'network' })}`
  const what = status === 'resolved' ? 'well again' : shortly(whole ?? first)
  return `${status === 'firing' ? severity.toUpperCase() : 'RESOLVED'}: ${subject}: ${what}`
}

function shortly(alert: AlertInMessage): string {
  const { kind, value, cause } = alert
  if (isShared(alert)) return `${percent(value)} of the networks cross the threshold`
  switch (kind) {
    case 'divergence':
    case 'our_side':
      return `${percent(value)} of clients' handshakes fail${cause === null ? '' : ` (${cause.name})`}`
    case 'success_rate':
      return `success rate ${percent(value)}`
    case 'cause_share':
      return `${percent(value)} fail${cause === null ? '' : ` with ${cause.name}`}`
    case 'handshake_time':
      return `handshake time ${milliseconds(value)}`
    case 'volume':
      return `${value} handshakes`
    case 'no_data':
      return 'no data'
    default:
      return kind satisfies never
  }
}

/** A rule about any network found most of them bad at once. */
function isShared({ scope, kind }: Pick<Alert, 'scope' | 'kind'>): boolean {
  return scope === 'world' && (kind === 'success_rate' || kind === 'cause_share' || kind === 'handshake_time')
}

function sentenceOf(
  alert: Alert & { network: string; narrowed_to: string },
  { completed, failed }: Facts,
  rule: Rule | undefined,
): string {
  const subject = subjectOf(alert)
  const since = `since ${iso(alert.started_at).slice(11, 16)}`
  const { value, threshold, kind, narrowed_to } = alert
  const which = narrowed_to === '' ? '' : ` (${narrowed_to})`
  if (isShared(alert))
    return `${percent(value)} of the networks${which} cross the threshold at once ${since}, so the fault is likely on our side`
  switch (kind) {
    case 'success_rate':
      return `${subject}: success rate ${percent(value)}, below ${percent(threshold)} ${since}; ${failed} of ${completed + failed} handshakes failed`
    case 'cause_share':
      return `${subject}: the cause has ${percent(value)} of the handshakes, above ${percent(threshold)} ${since}`
    case 'handshake_time':
      return `${subject}: ${quantileOf(rule)} ${milliseconds(value)} or longer, above ${milliseconds(threshold)} ${since}`
    case 'volume':
      return `${subject}: ${value} handshakes, the limit is ${threshold}, ${since}`
    case 'no_data':
      return `${subject}: no handshakes at all ${since}`
    case 'divergence':
    case 'our_side':
      return `${subject}: ${percent(value)} of clients' handshakes fail ${since}`
    default:
      return kind satisfies never
  }
}

function textOf(alerts: readonly AlertInMessage[], first: AlertInMessage | undefined): string {
  const lines = alerts.slice(0, 5).map(({ explanation, status, resolved_at }) => {
    const over = status === 'resolved' && resolved_at !== null && !explanation.includes('; over since ')
    return over ? `${explanation}; over since ${resolved_at.slice(11, 16)}` : explanation
  })
  if (alerts.length > 5) lines.push(`and ${alerts.length - 5} more`)
  if (first === undefined) return ''
  const { completed, failed, failing_clients, failing_prefixes, cause } = first
  lines.push(
    `Since it began: ${failed} of ${completed + failed} handshakes failed, of ${failing_clients} clients in ${failing_prefixes} ${failing_prefixes === 1 ? 'prefix' : 'prefixes'}.`,
  )
  if (cause !== null) {
    const evidence = cause.evidence === '' ? '' : ` Seen: ${cause.evidence}.`
    lines.push(
      `${cause.title} (${percent(cause.share)}). ${cause.meaning}${evidence}`,
      `What to do: ${cause.advice}`,
    )
  }
  lines.push(...Object.entries(first.links).map(([name, link]) => `${name}: ${link}`))
  return lines.join('\n')
}

function quantileOf(rule: Rule | undefined): string {
  if (rule?.what.kind !== 'handshake_time') return 'handshakes take'
  return rule.what.quantile === 'p50' ? 'half of the handshakes take' : 'one handshake in twenty takes'
}

function milliseconds(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}

/** Whole networks before their prefixes, what fires before what has ended. */
function worstFirst(a: Told, b: Told): number {
  const rank = ({ alert }: Told) => (alert.state === 'firing' ? 0 : 2) + (alert.scope === 'prefix' ? 1 : 0)
  return rank(a) - rank(b) || b.alert.value - a.alert.value
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
}
