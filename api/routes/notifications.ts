import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { oneOf, text } from '../parameter-types.ts'
import { findNotifications, MOST_TRIES, type NotificationRow } from '../queries/notifications.ts'
import { defineRoute } from '../route.ts'
import { count, nextCursor, pageQuery, time, windowQuery, windowSchema } from '../schemas.ts'
import { iso } from '../window.ts'

const STATES = ['queued', 'delivered', 'given_up'] as const
const key = z.tuple([z.int(), z.string().max(1_024)])

const attemptSchema = z
  .strictObject({
    at: time('When it was tried.'),
    attempt: count('Counts the attempts, from 1.'),
    milliseconds: count('Until the answer.'),
    result: z
      .enum(['delivered', 'refused', 'unreachable'])
      .describe(
        '`refused`: the receiver answered, and not yes; `unreachable`: it did not answer, or is overloaded.',
      ),
    answer: z.string().describe('What the receiver said, or why it could not be reached.'),
  })
  .meta({ id: 'Attempt', description: 'One attempt to send a message.' })

export const notificationSchema = z
  .strictObject({
    id: z.string().describe('The idempotency key.'),
    receiver: z.string(),
    rule: z.string(),
    status: z.enum(['firing', 'resolved']),
    title: z.string(),
    alerts: z.array(z.string()).describe('Ids of the alerts it tells.'),
    created_at: time('When it was made.'),
    state: z.enum(STATES),
    attempts: count('Attempts so far.'),
    next_attempt_at: time('When it is tried next; null when it is not.').nullable(),
    answer: z.string().describe('The last answer.'),
    tries: z.array(attemptSchema).describe(`The attempts, the newest first, at most ${MOST_TRIES}.`),
  })
  .meta({ id: 'Notification', description: 'A message to a receiver, and what was answered.' })

export const notificationsRoute = defineRoute({
  path: '/v1/notifications',
  tag: 'Alerts',
  summary: 'Messages to receivers',
  description: 'Messages that were made in the window, with every attempt and its answer, newest first.',
  scope: 'read',
  pathParameters: {},
  query: {
    ...windowQuery,
    receiver: text({ min: 1, max: 200 }).optional().describe('Only to this receiver.'),
    state: oneOf(STATES).optional().describe('Only in this state.'),
    rule: text({ min: 1, max: 63 }).optional().describe('Only of this rule.'),
    ...pageQuery({ max: 200, usual: 50 }),
  },
  answer: z
    .strictObject({
      window: windowSchema.pick({ from: true, to: true }),
      items: z.array(notificationSchema),
      next_cursor: nextCursor,
    })
    .meta({ id: 'Notifications', description: 'A page of messages.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key })
    const { receiver, state, rule, limit } = query
    const filter = { receiver, state, rule }
    const found = await findNotifications(store, { window, filter, after, limit: limit + 1 })
    const keyOf = ({ created_at, id }: NotificationRow) => [created_at, id]
    const { page, next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    const { from, to } = windowAnswer(window)
    return { window: { from, to }, items: page.map(notificationItem), next_cursor }
  },
})

export function notificationItem(row: NotificationRow): z.output<typeof notificationSchema> {
  return {
    ...row,
    created_at: iso(row.created_at),
    next_attempt_at: row.state === 'queued' ? iso(row.next_attempt_at) : null,
    tries: row.tries.map((attempt) => ({ ...attempt, at: iso(attempt.at) })),
  }
}
