import { type Alert, nameOf } from './alert.ts'
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
  minute: number
  /** ms since 1970. */
  now: number
}

/** Receivers that group and repeat on their own are told of every change at once, and never twice. */
export type PlannedReceiver = { name: string; groupsItself: boolean }

/** A message that is to be made: everything but its words. */
export type Planned = Omit<Notification, 'message'> & { members: readonly Alert[]; repeated: boolean }

/**
 * What receivers are to be told: the difference between the alerts and what they were told last. No event is needed for
 * it, so none can be lost: whatever was not told before a crash is told after it, and what was told is not told again.
 */
export function planNotifications(needs: PlanNeeds): Planned[] {
  const toldOf = new Map(needs.told.map((told) => [placeOf(told.receiver, told.group_key), told]))
  const repeatOf = new Map(needs.rules.map(({ id, repeat_s }) => [id, repeat_s * 1_000]))
  return [...groupsOf(needs.alerts)].flatMap(([group_key, members]) =>
    needs.receivers.flatMap((receiver) => {
      const own = members.filter(
        ({ receivers }) => receivers.length === 0 || receivers.includes(receiver.name),
      )
      const last = toldOf.get(placeOf(receiver.name, group_key))
      const news = newsOf({ ...needs, receiver, own, last, repeatOf })
      return news === undefined ? [] : [plannedOf(needs, receiver.name, group_key, news, last)]
    }),
  )
}

/** Alerts of one rule about one network are one message, however many of its prefixes are concerned. */
export function groupKeyOf({ rule, scope, asn, label, prefix, site, incident }: Alert): string {
  if (scope === 'networks') return JSON.stringify([rule, scope, incident])
  if (scope === 'world' || scope === 'site') return JSON.stringify([rule, scope, site])
  if (asn > 0 || label !== '') return JSON.stringify([rule, asn, label])
  return JSON.stringify([rule, prefix])
}

type News = { status: 'firing' | 'resolved'; members: readonly Alert[]; repeated: boolean }

type Group = PlanNeeds & {
  receiver: PlannedReceiver
  own: readonly Alert[]
  last: Told | undefined
  repeatOf: ReadonlyMap<string, number>
}

function newsOf({ receiver, own, last, now, repeatOf }: Group): News | undefined {
  const isTold = new Set(last?.status === 'firing' ? last.alerts : [])
  const firing = own.filter(({ state }) => state === 'firing')
  // Ended after the last message: its end was not told, and its beginning may not have been either.
  const ended = own.filter(
    ({ id, state, minute }) => state === 'resolved' && (isTold.has(id) || minute > (last?.minute ?? 0)),
  )
  if (firing.length === 0) {
    return ended.length === 0 ? undefined : { status: 'resolved', members: ended, repeated: false }
  }
  const news = { status: 'firing', members: [...firing, ...ended], repeated: false } as const
  if (last === undefined || last.status === 'resolved') return news
  const [first] = firing
  const differs = firing.some(({ id }) => !isTold.has(id)) || ended.length > 0
  const since = now - last.created_at
  if (differs && (receiver.groupsItself || since >= GROUP_INTERVAL_MS)) return news
  const repeat = repeatOf.get(first?.rule ?? '') ?? Number.POSITIVE_INFINITY
  const repeats = !receiver.groupsItself && last.state !== 'queued' && since >= repeat
  return repeats ? { ...news, repeated: true } : undefined
}

function plannedOf(
  { minute, now }: PlanNeeds,
  receiver: string,
  group_key: string,
  { status, members, repeated }: News,
  last: Told | undefined,
): Planned {
  const number = (last?.number ?? 0) + 1
  const isListed = ({ state }: Alert) => status === 'resolved' || state === 'firing'
  return {
    id: nameOf(receiver, group_key, number),
    receiver,
    rule: members[0]?.rule ?? '',
    group_key,
    number,
    status,
    alerts: members.filter(isListed).map(({ id }) => id),
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
