import type { Queries } from '../bounded-store.ts'
import type { Window } from '../window.ts'

/** A message to a receiver, and what was tried; times in ms since 1970. */
export type NotificationRow = {
  id: string
  receiver: string
  rule: string
  status: 'firing' | 'resolved'
  alerts: string[]
  created_at: number
  title: string
  state: 'queued' | 'delivered' | 'given_up'
  attempts: number
  next_attempt_at: number
  answer: string
  /** The latest attempts, the newest first. */
  tries: AttemptRow[]
}

export type AttemptRow = {
  at: number
  attempt: number
  milliseconds: number
  result: 'delivered' | 'refused' | 'unreachable'
  answer: string
}

/** Sort key of a message: when it was made (ms since 1970), and its id. */
export type NotificationKey = readonly [created_at: number, id: string]

export type NotificationsFilter = {
  receiver?: string | undefined
  state?: string | undefined
  rule?: string | undefined
}

/** Of one message so many attempts are shown, the latest: in a day there are about 150. */
export const MOST_TRIES = 200

const CONDITIONS: Record<keyof NotificationsFilter, string> = {
  receiver: 'receiver = {receiver:String}',
  state: 'notifications.state = {state:String}',
  rule: 'rule = {rule:String}',
}

/** Messages that were made in the window, newest first, with their attempts. */
export async function findNotifications(
  store: Queries,
  {
    window,
    filter,
    after,
    limit,
  }: {
    window: Pick<Window, 'from' | 'to'>
    filter: NotificationsFilter
    after?: NotificationKey | undefined
    limit: number
  },
): Promise<NotificationRow[]> {
  const where = [
    'created_at >= fromUnixTimestamp64Milli({from:Int64})',
    'created_at < fromUnixTimestamp64Milli({to:Int64})',
  ]
  const parameters: Record<string, string | number> = { from: window.from, to: window.to, rows: limit }
  if (after !== undefined) {
    where.push('(toUnixTimestamp64Milli(created_at), id) < ({after_at:Int64}, {after_id:String})')
    Object.assign(parameters, { after_at: after[0], after_id: after[1] })
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof NotificationsFilter]
    if (value === undefined) continue
    where.push(condition)
    parameters[name] = value
  }
  const found = await store.query<Omit<NotificationRow, 'tries'>>(notificationsSql(where), parameters)
  const tries = await attemptsOf(store, found)
  return found.map((row) => ({ ...row, tries: tries.get(row.id) ?? [] }))
}

async function attemptsOf(
  store: Queries,
  notifications: readonly { id: string }[],
): Promise<Map<string, AttemptRow[]>> {
  if (notifications.length === 0) return new Map()
  const ids = notifications.map(({ id }) => id)
  const rows = await store.query<AttemptRow & { notification: string }>(ATTEMPTS, { ids, most: MOST_TRIES })
  const tries = new Map<string, AttemptRow[]>()
  for (const { notification, ...attempt } of rows) {
    const own = tries.get(notification)
    if (own === undefined) tries.set(notification, [attempt])
    else own.push(attempt)
  }
  return tries
}

const notificationsSql = (where: readonly string[]) => `
SELECT
  id, receiver, rule, status, alerts,
  toUnixTimestamp64Milli(found.created_at) AS created_at,
  JSONExtractString(message, 'title') AS title,
  state, attempts,
  toUnixTimestamp64Milli(found.next_attempt_at) AS next_attempt_at,
  answer
FROM (
  SELECT *
  FROM notifications FINAL
  WHERE ${where.join('\n    AND ')}
  ORDER BY notifications.created_at DESC, id DESC
  LIMIT {rows:UInt32}
) AS found
ORDER BY found.created_at DESC, id DESC`

const ATTEMPTS = `
SELECT
  notification,
  toUnixTimestamp64Milli(tried.at) AS at,
  attempt, milliseconds, result, answer
FROM notification_attempts AS tried FINAL
WHERE notification IN {ids:Array(String)}
ORDER BY tried.at DESC, attempt DESC
LIMIT {most:UInt32} BY notification`
