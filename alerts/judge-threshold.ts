import { type Alert, nameOf, type Subject, subjectKey } from './alert.ts'
import { createSummer, emptySum, type Lens, networkKey, type Sum, type Times } from './counts.ts'
import { firing, MINUTE, type MinuteInput, resolved, ruleKey, type State, type Watch } from './evaluate.ts'
import type { Rule, Threshold } from './rule.ts'
import { isThreshold, lensOf, type ThresholdRule } from './window.ts'

/** A threshold counts as met again when it was for so long, so that an alert does not flap. */
const WELL_AGAIN = 300
/** After so long with too few handshakes to tell, an alert ends. */
const TOO_QUIET = 3600
/** From so many networks on, more than half of them bad at once is one alert about all. */
const SHARED_FROM = 10

/** `frozen`: nothing at all was stored in the minute, or it is stored no longer, so the clock stands still. */
type Verdict = 'bad' | 'good' | 'unknown' | 'frozen'
type Finding = { subject: Subject; owner: Owner; verdict: Verdict; value: number }
/** The network that a prefix belongs to, as far as is known. */
type Owner = Pick<Subject, 'asn' | 'label'>
type Judged = { watches: Record<string, Watch>; changes: Alert[] }
type Summer = ReturnType<typeof createSummer>

/** Alerts from thresholds on the minute rollups. */
export function judgeThreshold(rules: readonly Rule[], state: State, input: MinuteInput): Judged {
  const judged: Judged = { watches: {}, changes: [] }
  const inForce = rules.filter(isThreshold)
  endRemoved(judged, state, new Set(inForce.map(ruleKey)), input.minute)
  if (inForce.length === 0) return judged
  const summer = createSummer(input.window, input.minute)
  const watchesOf = byRule(state.watches)
  for (const rule of inForce) {
    const watched = watchesOf.get(ruleKey(rule)) ?? new Map<string, Watch>()
    const findings = findingsOf(rule, summer, input, [...watched.keys()])
    const { shared, withShared } = sharedOf(rule, findings)
    for (const finding of withShared) {
      const key = subjectKey(finding.subject)
      const holdBack = shared && finding.subject.scope !== 'world'
      advance(judged, { rule, finding, watch: watched.get(key), minute: input.minute, holdBack })
    }
  }
  return judged
}

type Step = {
  rule: ThresholdRule
  finding: Finding
  watch: Watch | undefined
  minute: number
  holdBack: boolean
}

/** One subject, one minute on. */
function advance(judged: Judged, { rule, finding, watch, minute, holdBack }: Step): void {
  const { subject, owner, verdict, value } = finding
  const key = `${ruleKey(rule)} ${subjectKey(subject)}`
  const keep = (kept: Watch) => {
    judged.watches[key] = kept
  }
  const end = (alert: Alert, resolution: 'recovered' | 'too_little_data') =>
    judged.changes.push(resolved({ ...alert, value }, { resolved_at: minute + MINUTE, minute, resolution }))
  if (verdict === 'frozen') {
    if (watch !== undefined) keep(watch)
    return
  }
  if (verdict === 'bad') {
    const begun = watch ?? { rule: ruleKey(rule), since: minute, held: 0, good: 0, quiet: 0, alert: null }
    const held = { ...begun, held: begun.held + MINUTE, good: 0, quiet: 0 }
    const fires = held.alert === null && held.held >= rule.for_s && !holdBack
    const alert = fires ? alertOf(rule, subject, { owner, since: held.since, value, minute }) : held.alert
    keep({ ...held, alert })
    if (fires && alert !== null) judged.changes.push(alert)
    return
  }
  if (watch?.alert == null) return
  const good = verdict === 'good' ? watch.good + MINUTE : watch.good
  const quiet = verdict === 'unknown' ? watch.quiet + MINUTE : 0
  if (good >= (rule.what.kind === 'no_data' ? MINUTE : WELL_AGAIN)) end(watch.alert, 'recovered')
  else if (quiet >= TOO_QUIET) end(watch.alert, 'too_little_data')
  else keep({ ...watch, good, quiet })
}

function alertOf(
  rule: ThresholdRule,
  subject: Subject,
  { owner, since, value, minute }: { owner: Owner; since: number; value: number; minute: number },
): Alert {
  const { what } = rule
  return firing(rule, {
    id: nameOf(ruleKey(rule), subjectKey(subject), since),
    kind: what.kind,
    ...subject,
    asn: owner.asn,
    label: owner.label,
    incident: '',
    started_at: since,
    fired_at: minute + MINUTE,
    value,
    threshold: limitOf(what),
    explanation: '',
    minute,
  })
}

function limitOf(what: Threshold): number {
  switch (what.kind) {
    case 'success_rate':
      return what.below
    case 'cause_share':
      return what.above
    case 'handshake_time':
      return what.above_ms
    case 'volume':
      return what.below ?? what.above ?? 0
    case 'no_data':
      return 0
    default:
      return what satisfies never
  }
}

/** What each subject of the rule looks like in this minute. */
function findingsOf(
  rule: ThresholdRule,
  summer: Summer,
  { minute, window, observed }: MinuteInput,
  watched: readonly string[],
): Finding[] {
  const lens = lensOf(rule)
  const now = window.find((one) => one.minute === minute)
  const empty = now === undefined || now.networks.length === 0
  const whole = rule.who.any && (rule.what.kind === 'no_data' || rule.what.kind === 'volume')
  // Nothing from anybody is the collector's gap, unless the rule asks for just that and the collector was there.
  const frozen = (empty && !(whole && observed)) || !summer.knows(lens)
  const times = rule.what.kind === 'handshake_time' ? summer.times(lens) : undefined
  const subjects = whole ? wholes(rule, lens, summer) : named(rule, lens, summer, watched)
  return subjects.map(({ subject, sum }) => {
    const { verdict, value } = judge(rule, sum, times?.get(networkKey(sum)))
    const owner = { asn: sum.asn, label: sum.label }
    return { subject, owner, value, verdict: frozen ? 'frozen' : verdict }
  })
}

type About = { subject: Subject; sum: Sum }

/** All traffic as one subject, or that of each site of the rule. */
function wholes({ who }: Rule, lens: Lens, summer: Summer): About[] {
  if (who.sites.length === 0) return [{ subject: ALL, sum: summer.sums(lens).all }]
  return who.sites.map((site) => ({
    subject: { ...ALL, scope: 'site', site },
    sum: summer.sums({ ...lens, sites: [site] }).all,
  }))
}

/** Networks and prefixes that the rule names or, for any, that there are; and those watched that are there no more. */
function named({ who }: Rule, lens: Lens, summer: Summer, watched: readonly string[]): About[] {
  const sums = summer.sums(lens)
  const found = new Map<string, About>()
  const add = (subject: Subject, sum: Sum) => found.set(subjectKey(subject), { subject, sum })
  const addNetwork = (sum: Sum) => add(networkOf(sum), sum)
  if (who.any) for (const sum of sums.networks.values()) if (sum.asn > 0 || sum.label !== '') addNetwork(sum)
  for (const asn of who.asns) for (const sum of sums.byAsn.get(asn) ?? [emptySum(asn)]) addNetwork(sum)
  for (const label of who.labels)
    for (const sum of sums.byLabel.get(label) ?? [emptySum(0, label)]) addNetwork(sum)
  for (const prefix of who.prefixes) {
    add({ ...ALL, scope: 'prefix', prefix }, summer.prefix(lens, prefix))
  }
  for (const key of watched) {
    const [scope, asn, label, prefix, site] = JSON.parse(key) as [
      Subject['scope'],
      number,
      string,
      string,
      string,
    ]
    if (scope === 'network' && !found.has(key)) add({ scope, asn, label, prefix, site }, emptySum(asn, label))
  }
  return [...found.values()]
}

const ALL: Subject = { scope: 'world', asn: 0, label: '', prefix: '', site: '' }

function networkOf({ asn, label }: Sum): Subject {
  return { scope: 'network', asn, label, prefix: '', site: '' }
}

function judge(
  { what, minimum_handshakes }: ThresholdRule,
  sum: Sum,
  times: Times | undefined,
): { verdict: Verdict; value: number } {
  const decided = sum.completed + sum.failed
  const verdict = (value: number, bad: boolean) => ({
    value,
    verdict: bad ? ('bad' as const) : ('good' as const),
  })
  switch (what.kind) {
    case 'no_data':
      return verdict(sum.handshakes, sum.handshakes === 0)
    case 'volume':
      return verdict(decided, what.below === undefined ? decided > (what.above ?? 0) : decided < what.below)
    case 'success_rate': {
      if (decided < Math.max(1, minimum_handshakes)) return { verdict: 'unknown', value: 0 }
      const rate = sum.completed / decided
      return verdict(rate, rate < what.below)
    }
    case 'cause_share': {
      if (decided < Math.max(1, minimum_handshakes)) return { verdict: 'unknown', value: 0 }
      const share = (sum.causes[what.cause] ?? 0) / decided
      return verdict(share, share > what.above)
    }
    case 'handshake_time': {
      if (times === undefined || sum.completed < minimum_handshakes) return { verdict: 'unknown', value: 0 }
      const time = times[what.quantile]
      return verdict(time, time > what.above_ms)
    }
    default:
      return what satisfies never
  }
}

/** When most networks are bad at once the fault is not theirs: they are one finding, and none has an alert of its own. */
function sharedOf(
  { who }: Rule,
  findings: readonly Finding[],
): { shared: boolean; withShared: readonly Finding[] } {
  if (!who.any || findings.some(({ subject }) => subject.scope !== 'network')) {
    return { shared: false, withShared: findings }
  }
  const bad = findings.filter(({ verdict }) => verdict === 'bad').length
  const judged = findings.filter(({ verdict }) => verdict === 'bad' || verdict === 'good').length
  const shared = judged >= SHARED_FROM && bad > judged / 2
  const frozen = findings.length === 0 || findings.every(({ verdict }) => verdict === 'frozen')
  const verdict: Verdict = frozen ? 'frozen' : shared ? 'bad' : 'good'
  const value = judged === 0 ? 0 : bad / judged
  return { shared, withShared: [{ subject: ALL, owner: ALL, verdict, value }, ...findings] }
}

function byRule(watches: Record<string, Watch>): Map<string, Map<string, Watch>> {
  const found = new Map<string, Map<string, Watch>>()
  for (const [key, watch] of Object.entries(watches)) {
    const own = found.get(watch.rule) ?? new Map<string, Watch>()
    found.set(watch.rule, own.set(key.slice(watch.rule.length + 1), watch))
  }
  return found
}

function endRemoved(judged: Judged, state: State, inForce: ReadonlySet<string>, minute: number): void {
  for (const { rule, alert } of Object.values(state.watches)) {
    if (inForce.has(rule) || alert === null) continue
    judged.changes.push(resolved(alert, { resolved_at: minute + MINUTE, minute, resolution: 'rule_removed' }))
  }
}
