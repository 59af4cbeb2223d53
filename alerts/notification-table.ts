import type { Store } from '../core/store/store.ts'
import type { Message } from './message.ts'
import type { Attempt, Notification, Told } from './notification.ts'

/** The queue of messages, in the store: what is in it survives every crash. */
export type NotificationTable = {
  /** Puts messages into the queue. One that is there already, sent or not, stays as it is. */
  add(notifications: readonly Notification[]): Promise<void>
  /** What each receiver was told last of each group; of what is over, not which alerts it was. */
  told(): Promise<Told[]>
  /** The next message of each group to a receiver that is due, the oldest first. `now` in ms. */
  due(receiver: string, now: number, limit: number): Promise<Notification[]>
  /** When the next queued message to a receiver is due, ms since 1970; undefined when none is queued. */
  nextDue(receiver: string): Promise<number | undefined>
  /** The last message of each group that a receiver got: of those that fire, and of those that ended after `since` (ms). */
  last(receiver: string, since: number): Promise<Message[]>
  /** Records an attempt and what became of the message. */
  record(notification: Notification, attempt: Attempt): Promise<void>
  queued(): Promise<{ receiver: string; queued: number }[]>
}

export function createNotificationTable(store: Pick<Store, 'query' | 'insert'>): NotificationTable {
  return {
    async add(notifications) {
      // Version 0: whatever is known of the message already counts for more.
      if (notifications.length > 0) await store.insert('notifications', notifications.map(rowOf))
    },
    told: () => store.query<Told>(TOLD),
    async due(receiver, now, limit) {
      const rows = await store.query<Row>(DUE, { receiver, now, limit })
      return rows.map((row) => ({ ...row, message: JSON.parse(row.message) as Message }))
    },
    async nextDue(receiver) {
      const [row] = await store.query<{ next: number; queued: number }>(NEXT_DUE, { receiver })
      return row === undefined || row.queued === 0 ? undefined : row.next
    },
    async last(receiver, since) {
      const rows = await store.query<{ message: string }>(LAST, {
        receiver,
        since: Math.floor(since / 1_000),
      })
      return rows.map(({ message }) => JSON.parse(message) as Message)
    },
    async record(notification, attempt) {
      // The attempt first: a message may be recorded as tried more often than it was settled, never less.
      await store.insert('notification_attempts', [{ ...attempt, at: timeText(attempt.at) }])
      await store.insert('notifications', [rowOf(notification)])
    },
    queued: () => store.query<{ receiver: string; queued: number }>(QUEUED),
  }
}

type Row = Omit<Notification, 'message'> & { message: string }

function rowOf(notification: Notification): Record<string, unknown> {
  return {
    ...notification,
    message: JSON.stringify(notification.message),
    created_at: timeText(notification.created_at),
    next_attempt_at: timeText(notification.next_attempt_at),
    version: notification.attempts,
  }
}

/** A DateTime64 as JSON takes it: a number would be read as seconds. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}

const TIMES = `
  toUnixTimestamp(minute) AS minute,
  toUnixTimestamp64Milli(created_at) AS created_at`

const TOLD = `
SELECT
  receiver, group_key, rule, number, status, state,
  if(status = 'firing', notifications.alerts, []) AS alerts,${TIMES}
FROM notifications FINAL
ORDER BY receiver, group_key, number DESC
LIMIT 1 BY receiver, group_key`

const DUE = `
SELECT *
FROM (
  SELECT * EXCEPT (version) REPLACE(
    toUnixTimestamp(minute) AS minute,
    toUnixTimestamp64Milli(created_at) AS created_at,
    toUnixTimestamp64Milli(next_attempt_at) AS next_attempt_at
  )
  FROM notifications FINAL
  WHERE notifications.receiver = {receiver:String} AND notifications.state = 'queued'
  ORDER BY group_key, number
  LIMIT 1 BY group_key
)
WHERE next_attempt_at <= {now:UInt64}
ORDER BY created_at
LIMIT {limit:UInt32}`

const NEXT_DUE = `
SELECT min(next) AS next, count() AS queued
FROM (
  SELECT toUnixTimestamp64Milli(next_attempt_at) AS next
  FROM notifications FINAL
  WHERE receiver = {receiver:String} AND state = 'queued'
  ORDER BY group_key, number
  LIMIT 1 BY group_key
)`

const LAST = `
SELECT message
FROM (
  SELECT message, status, state, created_at
  FROM notifications FINAL
  WHERE receiver = {receiver:String}
  ORDER BY group_key, number DESC
  LIMIT 1 BY group_key
)
WHERE state = 'delivered' AND (status = 'firing' OR created_at >= toDateTime({since:UInt32}))`

const QUEUED = `
SELECT receiver, count() AS queued
FROM notifications FINAL
WHERE state = 'queued'
GROUP BY receiver`
