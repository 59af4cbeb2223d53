import { z } from 'zod'
import type { Incident } from '../../detector/incident.ts'
import type { Queries } from '../bounded-store.ts'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { asn, oneOf, prefix, text } from '../parameter-types.ts'
import { findIncidents } from '../queries/incidents.ts'
import { readAcknowledgements } from '../queries/orders.ts'
import { defineRoute } from '../route.ts'
import { nextCursor, pageQuery, windowQuery, windowSchema } from '../schemas.ts'
import { incidentItem, incidentSchema } from './incident.ts'
import { ordersItem, ordersShape } from './order.ts'

const acknowledgedSchema = z
  .strictObject({ ...incidentSchema.shape, acknowledgement: ordersShape.acknowledgement })
  .meta({ id: 'ListedIncident', description: 'An incident, and who has taken notice of it.' })

const incidentKey = z.tuple([z.int().min(0).max(4_294_967_295), z.string().max(1_024)])

export const divergencesRoute = defineRoute({
  path: '/v1/divergences',
  tag: 'Divergences',
  summary: 'What diverges',
  description:
    'Incidents of the detector, newest first: by default those that are open now. With `from` or `to`, those that were open at some time between.',
  scope: 'read',
  pathParameters: {},
  query: {
    ...windowQuery,
    state: oneOf(['open', 'closed', 'all']).default('open').describe('State of the incidents.'),
    kind: oneOf(['divergence', 'our_side', 'volume']).optional().describe('Only of this kind.'),
    scope: oneOf(['network', 'prefix', 'site', 'world', 'networks'])
      .optional()
      .describe('Only of this scope.'),
    asn: asn().optional().describe('Only of this network and its prefixes.'),
    label: text().optional().describe('Only with this label.'),
    prefix: prefix().optional().describe('Only of this prefix.'),
    site: text({ max: 64 }).optional().describe('Only at this site.'),
    id: text({ min: 1 }).optional().describe('Only this incident.'),
    ...pageQuery({ max: 500, usual: 100 }),
  },
  answer: z
    .strictObject({
      window: windowSchema
        .pick({ from: true, to: true })
        .nullable()
        .describe('null when neither from nor to was given.'),
      items: z.array(acknowledgedSchema),
      next_cursor: nextCursor,
    })
    .meta({ id: 'Divergences', description: 'A page of incidents.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: incidentKey })
    const windowed = query.from !== undefined || query.to !== undefined
    const { kind, scope, asn, label, prefix, site, id, limit } = query
    const state = query.state === 'all' ? undefined : query.state
    const found = await findIncidents(store, {
      window: windowed ? window : undefined,
      filter: { state, kind, scope, asn, label, prefix, site, id },
      after,
      limit: limit + 1,
    })
    const { page, next_cursor } = finishPage(found, {
      limit,
      window,
      asked,
      keyOf: (incident) => [incident.opened_at, incident.id],
    })
    const { from, to } = windowAnswer(window)
    return {
      window: windowed ? { from, to } : null,
      items: await acknowledgedItems(store, page),
      next_cursor,
    }
  },
})

async function acknowledgedItems(store: Queries, incidents: readonly Incident[]) {
  const acknowledgements = await readAcknowledgements(
    store,
    incidents.map(({ id }) => id),
  )
  return incidents.map((incident) => {
    const { acknowledgement } = ordersItem({
      acknowledge: acknowledgements.get(incident.id),
      close: undefined,
    })
    return { ...incidentItem(incident), acknowledgement }
  })
}
