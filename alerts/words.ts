import type { Alert } from './alert.ts'
import type { Facts } from './facts.ts'
import type { AlertInMessage } from './message.ts'
import type { Rule } from './rule.ts'

/** Messages in words: what people read in a title and a text. */

export function subjectOf(
  alert: Pick<AlertInMessage, 'scope' | 'asn' | 'network' | 'label' | 'prefix' | 'site'> & {
    narrowed_to?: string
  },
): string {
  const { narrowed_to = '' } = alert
  return narrowed_to === '' ? wholeOf(alert) : `${wholeOf(alert)} (${narrowed_to})`
}

/** Alerts of thresholds are about that alone; incidents say in their sentence where they lie. */
export function narrowedTo(rule: Rule | undefined): string {
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

export function titleOf(
  status: 'firing' | 'resolved',
  severity: string,
  alerts: readonly AlertInMessage[],
): string {
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

export function sentenceOf(
  alert: Alert & { network: string; narrowed_to: string },
  { completed, failed }: Facts,
  rule: Rule | undefined,
): string {
  const subject = subjectOf(alert)
  const since = `since ${new Date(alert.started_at * 1_000).toISOString().slice(11, 16)}`
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

export function textOf(alerts: readonly AlertInMessage[], first: AlertInMessage | undefined): string {
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

function percent(share: number): string {
  const value = share * 100
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`
}
