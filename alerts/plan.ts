import { type Alert, nameOf } from './alert.ts'
import { type Muting, NOTHING_MUTED } from './muting.ts'
import type { Notification, Told } from './notification.ts'
import type { Rule } from './rule.ts'

/** A group that changed goes on being told about in one message for so long, ms. */
const GROUP_INTERVAL_MS = 300_000

export type PlanNeeds = {
  /** All alerts that fire, those that ended lately, and those of which a receiver thinks that they fire. */
  alerts: readonly Alert[]
  told: readonly Told[]
  rules: readonly Rule[]
  receivers: readonly PlannedReceiver[]
  muting: Muting
  minute: number
  /** ms since 1970. */
  now: number
}

/** Receivers that group and repeat on their own are told of every change at once, and never twice. */
export type PlannedReceiver = { name: string; groupsItself: boolean }

/** A message that is to be made: everything but its words. `members` are what it says something about. */
export type Planned = Omit<Notification, 'message'> & { members: readonly Alert[]; repeated: boolean }

export type Plan = {
  planned: Planned[]
  /** Alerts that fire and are silenced. */
  silenced: number
  /** Messages that would be made if nothing were muted, by receiver. */
  heldBack: ReadonlyMap<string, number>
}

/**
 * What receivers are to be told: the difference between the alerts and what they were told last. No event is needed for
 * it, so none can be lost: whatever was not told before a crash is told after it, and what was told is not told again.
 * A silence holds back what was not told, and repeats; the end of what was told is told all the same.
 */
export function planNotifications(needs: PlanNeeds): Plan {
  const { muting, receivers } = needs
  const toldOf = new Map(needs.told.map((told) => [placeOf(told.receiver, told.group_key), told]))
  const repeatOf = new Map(needs.rules.map(({ id, repeat_s }) => [id, repeat_s * 1_000]))
  const isSilenced = onceEach((alert) => muting.silencedBy(alert).length > 0)
  const planned: Planned[] = []
  const heldBack = new Map(receivers.map(({ name }) => [name, 0]))
  for (const [group_key, members] of groupsOf(needs.alerts)) {
    for (const receiver of receivers) {
      const { name } = receiver
      const own = members.filter(({ receivers: named }) => named.length === 0 || named.includes(name))
      const last = toldOf.get(placeOf(name, group_key))
      const group = { ...needs, receiver, own, last, repeatOf, isSilenced }
      const news = newsOf(group)
      if (news !== undefined) planned.push(plannedOf(needs, name, group_key, news, last))
      else if (isMuted(group) && newsOf(unmuted(group)) !== undefined)
        heldBack.set(name, (heldBack.get(name) ?? 0) + 1)
    }
  }
  const silenced = needs.alerts.filter((alert) => alert.state === 'firing' && isSilenced(alert)).length
  return { planned, silenced, heldBack }
}

/** Alerts of one rule about one network are one message, however many of its prefixes are concerned. */
export function groupKeyOf({ rule, scope, asn, label, prefix, site, incident }: Alert): string {
  if (scope === 'networks') return JSON.stringify([rule, scope, incident])
  if (scope === 'world' || scope === 'site') return JSON.stringify([rule, scope, site])
  if (asn > 0 || label !== '') return JSON.stringify([rule, asn, label])
  return JSON.stringify([rule, prefix])
}

type News = {
  status: 'firing' | 'resolved'
  members: readonly Alert[]
  /** What the receiver takes for firing from then on, also what is not mentioned; or what it takes for over. */
  told: readonly Alert[]
  repeated: boolean
}

type Group = PlanNeeds & {
  receiver: PlannedReceiver
  own: readonly Alert[]
  last: Told | undefined
  repeatOf: ReadonlyMap<string, number>
  isSilenced: (alert: Alert) => boolean
}

function newsOf(group: Group): News | undefined {
  const { receiver, own, last, now, isSilenced, muting } = group
  const isTold = new Set(last?.status === 'firing' ? last.alerts : [])
  const firing = own.filter(
    (alert) => alert.state === 'firing' && (isTold.has(alert.id) || !isSilenced(alert)),
  )
  // Ended after the last message: its end was not told, and its beginning may not have been either.
  const isNew = (alert: Alert) =>
    alert.minute > (last?.minute ?? 0) && !isSilenced(alert) && !muting.silencedThroughout(alert)
  const ended = own.filter((alert) => alert.state === 'resolved' && (isTold.has(alert.id) || isNew(alert)))
  if (firing.length === 0) {
    const over = { status: 'resolved', members: ended, told: ended, repeated: false } as const
    return ended.length === 0 ? undefined : over
  }
  // A receiver that groups itself forgets what its last message does not name.
  const named = receiver.groupsItself ? firing : firing.filter((alert) => !isSilenced(alert))
  // Of a silenced group only its end is told: that of single members waits for it.
  if (named.length === 0) return undefined
  const news = { status: 'firing', members: [...named, ...ended], told: firing, repeated: false } as const
  if (last === undefined || last.status === 'resolved') return news
  const differs = firing.some(({ id }) => !isTold.has(id)) || ended.length > 0
  const since = now - last.created_at
  if (differs && (receiver.groupsItself || since >= GROUP_INTERVAL_MS)) return news
  const again = repeatedOf(group, named, since)
  return again.length === 0 ? undefined : { ...news, members: [...again, ...ended], repeated: true }
}

/** What is to be told again. */
function repeatedOf(
  { receiver, last, repeatOf, muting }: Group,
  named: readonly Alert[],
  since: number,
): Alert[] {
  const repeat = repeatOf.get(named[0]?.rule ?? '') ?? Number.POSITIVE_INFINITY
  if (receiver.groupsItself || last?.state === 'queued' || since < repeat) return []
  return named.filter((alert) => !muting.isAcknowledged(alert))
}

function isMuted({ own, isSilenced, muting }: Group): boolean {
  return own.some((alert) => isSilenced(alert) || muting.isAcknowledged(alert))
}

function unmuted(group: Group): Group {
  return { ...group, muting: NOTHING_MUTED, isSilenced: () => false }
}

function plannedOf(
  { minute, now }: PlanNeeds,
  receiver: string,
  group_key: string,
  { status, members, told, repeated }: News,
  last: Told | undefined,
): Planned {
  const number = (last?.number ?? 0) + 1
  return {
    id: nameOf(receiver, group_key, number),
    receiver,
    rule: members[0]?.rule ?? '',
    group_key,
    number,
    status,
    alerts: told.map(({ id }) => id),
    minute,
    created_at: now,
    state: 'queued',
    attempts: 0,
    next_attempt_at: now,
    answer: '',
    members,
    repeated,
  }
}

/** The same answer for the same alert, however often it is asked. */
function onceEach(ask: (alert: Alert) => boolean): (alert: Alert) => boolean {
  const answers = new Map<Alert, boolean>()
  return (alert) => {
    const answer = answers.get(alert) ?? ask(alert)
    answers.set(alert, answer)
    return answer
  }
}

function groupsOf(alerts: readonly Alert[]): Map<string, Alert[]> {
  const groups = new Map<string, Alert[]>()
  for (const alert of alerts) {
    const key = groupKeyOf(alert)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [alert])
    else group.push(alert)
  }
  return groups
}

export function placeOf(receiver: string, group_key: string): string {
  return JSON.stringify([receiver, group_key])
}
