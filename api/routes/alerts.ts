import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { asn, oneOf, text } from '../parameter-types.ts'
import { type AlertRow, findAlerts } from '../queries/alerts.ts'
import { defineRoute } from '../route.ts'
import { nextCursor, pageQuery, windowQuery, windowSchema } from '../schemas.ts'
import { orderedAlertItems, orderedAlertSchema } from './alert-muting.ts'

const alertKey = z.tuple([z.int().min(0).max(4_294_967_295), z.string().max(1_024)])

const filterQuery = {
  rule: text({ min: 1, max: 63 }).optional().describe('Only of this rule.'),
  severity: oneOf(['critical', 'warning', 'info']).optional().describe('Only of this severity.'),
  asn: asn().optional().describe('Only about this network and its prefixes.'),
}

export const alertsRoute = defineRoute({
  path: '/v1/alerts',
  tag: 'Alerts',
  summary: 'What fires now',
  description: 'Alerts that fire, newest first.',
  scope: 'read',
  pathParameters: {},
  query: { ...filterQuery, ...pageQuery({ max: 500, usual: 100 }) },
  answer: z
    .strictObject({ items: z.array(orderedAlertSchema), next_cursor: nextCursor })
    .meta({ id: 'Alerts', description: 'A page of alerts.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: alertKey })
    const { rule, severity, asn, limit } = query
    const filter = { state: 'firing', rule, severity, asn }
    const found = await findAlerts(store, { filter, after, limit: limit + 1 })
    const { page, next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    return { items: await orderedAlertItems({ store, clock }, page), next_cursor }
  },
})

export const alertHistoryRoute = defineRoute({
  path: '/v1/alerts/history',
  tag: 'Alerts',
  summary: 'What fired',
  description: 'Alerts that fired at some time in the window, also those that are over, newest first.',
  scope: 'read',
  pathParameters: {},
  query: { ...windowQuery, ...filterQuery, ...pageQuery({ max: 500, usual: 100 }) },
  answer: z
    .strictObject({
      window: windowSchema.pick({ from: true, to: true }),
      items: z.array(orderedAlertSchema),
      next_cursor: nextCursor,
    })
    .meta({ id: 'AlertHistory', description: 'A page of alerts of a window.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: alertKey })
    const { rule, severity, asn, limit } = query
    const found = await findAlerts(store, {
      window,
      filter: { rule, severity, asn },
      after,
      limit: limit + 1,
    })
    const { page, next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    const { from, to } = windowAnswer(window)
    return { window: { from, to }, items: await orderedAlertItems({ store, clock }, page), next_cursor }
  },
})

function keyOf({ fired_at, id }: AlertRow): [number, string] {
  return [fired_at, id]
}
