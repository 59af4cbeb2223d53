import type { Incident } from '../detector/incident.ts'
import { type Alert, nameOf } from './alert.ts'
import { firing, type Handled, MINUTE, type MinuteInput, resolved, ruleKey, type State } from './evaluate.ts'
import { createInside } from './prefix-index.ts'
import type { Rule, What } from './rule.ts'

/** A closed incident is looked at for so long; what was done about it is remembered as long. */
const REMEMBERED = 24 * 3600

type Divergence = Rule & { what: Extract<What, { kind: 'divergence' }> }
type Judged = { handled: Record<string, Handled>; changes: Alert[] }

/**
 * Alerts from the detector's incidents. What counts is their state, not when it was read: an incident that is read late, or was
 * over before anybody looked, gives the same alert with the same times.
 */
export function judgeDivergence(rules: readonly Rule[], state: State, input: MinuteInput): Judged {
  const judged: Judged = { handled: stillKnown(state, input.minute), changes: [] }
  const inForce = rules.filter(isDivergence)
  endRemoved(judged, new Set(inForce.map(ruleKey)), input.minute)
  const incidents = input.incidents.filter(
    ({ kind, opened_at }) => kind !== 'volume' && opened_at <= input.minute,
  )
  for (const rule of inForce) {
    const concerns = createMatcher(rule)
    const since = state.rules[ruleKey(rule)] ?? input.minute
    for (const incident of incidents) {
      if (concerns(incident))
        judgeIncident(judged, rule, incident, { since, minute: input.minute, incidents })
    }
  }
  return judged
}

function judgeIncident(
  judged: Judged,
  rule: Divergence,
  incident: Incident,
  { since, minute, incidents }: { since: number; minute: number; incidents: readonly Incident[] },
): void {
  const key = `${ruleKey(rule)} ${incident.id}`
  const known = judged.handled[key]
  // Part of a shared incident: that is told instead, and what was told of this one is not over while that goes on.
  if (isPart(incident) && (known?.alert.state !== 'firing' || isOpen(incident.members[0], incidents))) return
  const closed = incident.closed_at > 0 && incident.closed_at <= minute + MINUTE
  const keep = (alert: Alert) => {
    judged.handled[key] = { rule: ruleKey(rule), reopened: incident.reopened, alert }
    judged.changes.push(alert)
  }
  const end = (alert: Alert) =>
    resolved(withFigures(alert, incident), {
      resolved_at: incident.closed_at,
      minute,
      resolution: 'recovered',
    })
  if (known?.alert.state === 'firing') {
    const refreshed = { ...withFigures(known.alert, incident), minute }
    if (closed) keep(end(known.alert))
    else if (refreshed.explanation !== known.alert.explanation) keep(refreshed)
    return
  }
  if (known !== undefined && known.reopened >= incident.reopened) return
  if (!isEnough(rule, incident)) return
  const due = incident.opened_at + rule.for_s
  if (!closed && due < minute + MINUTE)
    keep(alertOf(rule, incident, { due, since, minute, again: known !== undefined }))
  const missed = closed && incident.closed_at > minute - REMEMBERED && incident.closed_at > since
  if (missed && due < incident.closed_at) {
    keep(end(alertOf(rule, incident, { due, since: 0, minute, again: false })))
  }
}

function isPart({ scope, members }: Incident): boolean {
  return scope === 'network' && members.length > 0
}

function isOpen(id: string | undefined, incidents: readonly Incident[]): boolean {
  return incidents.some((incident) => incident.id === id && incident.state === 'open')
}

function alertOf(
  rule: Divergence,
  incident: Incident,
  { due, since, minute, again }: { due: number; since: number; minute: number; again: boolean },
): Alert {
  const { id, scope, asn, label, prefix, site, onset } = incident
  const alert = firing(rule, {
    id: nameOf(ruleKey(rule), id, incident.reopened),
    kind: incident.kind === 'our_side' ? 'our_side' : 'divergence',
    scope,
    asn,
    label,
    prefix,
    site,
    incident: id,
    started_at: onset,
    // Where nothing says when the condition was first met, it is met now.
    fired_at: again || hasConditions(rule) ? Math.max(due, minute) : Math.max(due, since),
    value: 0,
    threshold: 0,
    explanation: '',
    minute,
  })
  return withFigures(alert, incident)
}

function withFigures(alert: Alert, { failure_rate, expected_rate, explanation }: Incident): Alert {
  return { ...alert, value: failure_rate, threshold: expected_rate, explanation }
}

function isEnough({ what, minimum_handshakes }: Divergence, incident: Incident): boolean {
  return (
    incident.evidence >= what.minimum_evidence &&
    incident.failure_rate - incident.expected_rate >= what.minimum_excess &&
    incident.decided >= minimum_handshakes
  )
}

function hasConditions({ what, minimum_handshakes }: Divergence): boolean {
  return what.minimum_evidence > 0 || what.minimum_excess > 0 || minimum_handshakes > 0
}

/** Whom the rule is about. A shared fault is nobody's in particular: only rules about any network take it. */
function createMatcher({ who }: Rule): (incident: Incident) => boolean {
  const asns = new Set(who.asns)
  const labels = new Set(who.labels)
  const inside = createInside(who.prefixes)
  return (incident) => {
    const { scope, asn, label, prefix } = incident
    const shared = scope === 'world' || scope === 'site'
    const named =
      scope === 'networks'
        ? incident.members.some((member) => isNamed(member, asns, labels))
        : !shared && (asns.has(asn) || (label !== '' && labels.has(label)) || inside(prefix))
    return (who.any || named) && isAtSite(who.sites, incident)
  }
}

/** A member is called "AS64500", "AS64500 Office" or "Office". */
function isNamed(member: string, asns: ReadonlySet<number>, labels: ReadonlySet<string>): boolean {
  const [, asn = '', label = ''] = /^(?:AS(\d+))? ?(.*)$/.exec(member) ?? []
  return asns.has(Number(asn || Number.NaN)) || (label !== '' && labels.has(label))
}

/** Incidents are found over all sites; at one site are those of the site itself, and those that the store says lie there alone. */
function isAtSite(sites: readonly string[], { site, dimension }: Incident): boolean {
  return sites.length === 0 || sites.some((name) => site === name || dimension === `only site ${name}`)
}

function stillKnown({ handled }: State, minute: number): Record<string, Handled> {
  return Object.fromEntries(
    Object.entries(handled).filter(
      ([, { alert }]) => alert.state === 'firing' || alert.resolved_at > minute - REMEMBERED,
    ),
  )
}

function endRemoved(judged: Judged, inForce: ReadonlySet<string>, minute: number): void {
  for (const [key, { rule, alert }] of Object.entries(judged.handled)) {
    if (inForce.has(rule)) continue
    delete judged.handled[key]
    if (alert.state === 'firing')
      judged.changes.push(
        resolved(alert, { resolved_at: minute + MINUTE, minute, resolution: 'rule_removed' }),
      )
  }
}

function isDivergence(rule: Rule): rule is Divergence {
  return rule.what.kind === 'divergence'
}
