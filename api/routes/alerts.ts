import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { asn, oneOf, text } from '../parameter-types.ts'
import { type AlertRow, findAlerts } from '../queries/alerts.ts'
import { defineRoute } from '../route.ts'
import { count, nextCursor, pageQuery, time, windowQuery, windowSchema } from '../schemas.ts'
import { iso } from '../window.ts'

const alertKey = z.tuple([z.int().min(0).max(4_294_967_295), z.string().max(1_024)])

const alertSchema = z
  .strictObject({
    id: z.string().describe('The same in messages and history.'),
    rule: z.string().describe('Id of the rule.'),
    severity: z.enum(['critical', 'warning', 'info']),
    state: z.enum(['firing', 'resolved']),
    kind: z
      .enum(['divergence', 'our_side', 'success_rate', 'cause_share', 'handshake_time', 'volume', 'no_data'])
      .describe('What the rule looks at; `our_side` for an incident in which everyone fails.'),
    scope: z
      .enum(['network', 'prefix', 'site', 'world', 'networks'])
      .describe('What it is about; `world` is all networks, `networks` several that began to fail together.'),
    asn: count('AS number; 0 where it is about no single network.'),
    label: z.string(),
    prefix: z.string().describe('With scope `prefix`, else empty.'),
    site: z.string(),
    incident: z.string().describe("Id of the detector's incident; empty for thresholds."),
    started_at: time('Start of the first bad minute.'),
    fired_at: time('When the rule was met for long enough.'),
    resolved_at: time('When it was over; null while it fires.').nullable(),
    resolution: z
      .enum(['', 'recovered', 'too_little_data', 'rule_removed', 'withdrawn'])
      .describe('Why it is over; empty while it fires.'),
    value: z
      .number()
      .describe(
        'What was seen at the last change: a share, handshakes for `volume`, milliseconds for `handshake_time`.',
      ),
    threshold: z
      .number()
      .describe('What the rule allows; for a divergence the failure rate that at most was to be expected.'),
    explanation: z.string().describe('In a sentence, where the detector gave one.'),
    receivers: z.array(z.string()).describe('Receivers that the rule names; empty for all.'),
  })
  .meta({ id: 'Alert', description: 'That a rule was met, and by whom.' })

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
    .strictObject({ items: z.array(alertSchema), next_cursor: nextCursor })
    .meta({ id: 'Alerts', description: 'A page of alerts.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: alertKey })
    const { rule, severity, asn, limit } = query
    const filter = { state: 'firing', rule, severity, asn }
    const found = await findAlerts(store, { filter, after, limit: limit + 1 })
    const { page, next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    return { items: page.map(alertItem), next_cursor }
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
      items: z.array(alertSchema),
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
    return { window: { from, to }, items: page.map(alertItem), next_cursor }
  },
})

function keyOf({ fired_at, id }: AlertRow): [number, string] {
  return [fired_at, id]
}

function alertItem(alert: AlertRow): z.output<typeof alertSchema> {
  return {
    ...alert,
    started_at: iso(alert.started_at * 1_000),
    fired_at: iso(alert.fired_at * 1_000),
    resolved_at: alert.resolved_at === 0 ? null : iso(alert.resolved_at * 1_000),
  }
}
