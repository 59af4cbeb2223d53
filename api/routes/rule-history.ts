import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { type AlertRow, findAlerts } from '../queries/alerts.ts'
import { type ErrorRow, findEvaluationErrors } from '../queries/evaluation-errors.ts'
import { findNotifications, type NotificationRow } from '../queries/notifications.ts'
import { type Context, defineRoute } from '../route.ts'
import { nextCursor, pageQuery, time, windowQuery, windowSchema } from '../schemas.ts'
import { iso, type Window } from '../window.ts'
import { alertItem, alertSchema } from './alert.ts'
import { notificationItem, notificationSchema } from './notifications.ts'
import { rulePath } from './rule.ts'

/** What a page ends with, of each kind: where that kind goes on. */
const key = z.strictObject({
  alert: z.tuple([z.int().min(0).max(4_294_967_295), z.string().max(1_024)]).optional(),
  message: z.tuple([z.int(), z.string().max(1_024)]).optional(),
  error: z.tuple([z.int(), z.string().max(63), z.string().regex(/^\d{1,20}$/)]).optional(),
})
type Key = z.output<typeof key>

const errorSchema = z
  .strictObject({
    at: time('When.'),
    minute: time('The first minute that was not evaluated.'),
    rule: z.string().describe('The rule; empty where none could be evaluated.'),
    error: z.string(),
  })
  .meta({ id: 'EvaluationError', description: 'What kept rules from being evaluated.' })

const entrySchema = z
  .strictObject({
    at: time('When the alert fired, the message was made, or the evaluation failed.'),
    kind: z.enum(['alert', 'message', 'error']),
    alert: alertSchema.nullable(),
    message: notificationSchema.nullable(),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'RuleHistoryEntry', description: 'One thing that happened; what is not of its kind is null.' })

export const ruleHistoryRoute = defineRoute({
  path: '/v1/rules/:id/history',
  tag: 'Rules',
  summary: 'What became of a rule',
  description:
    'Alerts of the rule that fired in the window, messages with every attempt and its answer, and evaluations that failed; newest first. Also of a rule that is no more: what is not known has an empty history.',
  scope: 'read',
  pathParameters: rulePath,
  query: { ...windowQuery, ...pageQuery({ max: 200, usual: 50 }) },
  answer: z
    .strictObject({
      window: windowSchema.pick({ from: true, to: true }),
      items: z.array(entrySchema),
      next_cursor: nextCursor,
    })
    .meta({ id: 'RuleHistory', description: 'A page of the history of a rule.' }),
  async handle({ path: { id: rule }, query, asked }, { store, clock }) {
    const { window, after = {} } = startPage({ query, asked }, { clock: clock(), key })
    const { limit } = query
    const found = await findEntries(store, { rule, window, after, limit: limit + 1 })
    const page = found.slice(0, limit)
    const keyOf = () => keyAfter(page, after)
    const { next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    const { from, to } = windowAnswer(window)
    return { window: { from, to }, items: page.map(entryItem), next_cursor }
  },
})

type Entry =
  | { kind: 'alert'; at: number; row: AlertRow }
  | { kind: 'message'; at: number; row: NotificationRow }
  | { kind: 'error'; at: number; row: ErrorRow }

/** Of each kind as many as the page may need of it, in one order. */
async function findEntries(
  store: Context['store'],
  { rule, window, after, limit }: { rule: string; window: Window; after: Key; limit: number },
): Promise<Entry[]> {
  const [alerts, messages, errors] = await Promise.all([
    findAlerts(store, { fired: window, filter: { rule }, after: after.alert, limit }),
    findNotifications(store, { window, filter: { rule }, after: after.message, limit }),
    findEvaluationErrors(store, { window, rule, after: after.error, limit }),
  ])
  const entries: Entry[] = [
    ...alerts.map((row) => ({ kind: 'alert' as const, at: row.fired_at * 1_000, row })),
    ...messages.map((row) => ({ kind: 'message' as const, at: row.created_at, row })),
    ...errors.map((row) => ({ kind: 'error' as const, at: row.at, row })),
  ]
  // Of one kind the order is that of its query, which a stable sort keeps.
  return entries.sort((a, b) => b.at - a.at).slice(0, limit)
}

/** Where each kind goes on: after its last entry, or where it began when there was none. */
function keyAfter(page: readonly Entry[], before: Key): Key {
  const key = { ...before }
  for (const { kind, row } of page) {
    if (kind === 'alert') key.alert = [row.fired_at, row.id]
    else if (kind === 'message') key.message = [row.created_at, row.id]
    else key.error = [row.at, row.rule, row.hash]
  }
  return key
}

function entryItem(entry: Entry): z.output<typeof entrySchema> {
  const { kind, at, row } = entry
  return {
    at: iso(at),
    kind,
    alert: kind === 'alert' ? alertItem(row) : null,
    message: kind === 'message' ? notificationItem(row) : null,
    error: kind === 'error' ? errorItem(row) : null,
  }
}

function errorItem({ at, minute, rule, error }: ErrorRow): z.output<typeof errorSchema> {
  return { at: iso(at), minute: iso(minute * 1_000), rule, error }
}
