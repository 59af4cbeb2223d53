import { z } from 'zod'
import type { Change } from '../../detector/change.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'
import { incidentSchema } from './incident.ts'

const { shape } = incidentSchema

/** A change of an incident as it is told, in a history and as an event. */
export const changeSchema = z
  .strictObject({
    sequence: count('One more with each change of any incident; the `id` of the event.'),
    event: z
      .enum(['opened', 'changed', 'acknowledged', 'closed'])
      .describe('`opened` also when it came back: `reopened` counts that. `changed`: its figures.'),
    at: time('When; a closing counts from the start of a minute. The order is that of `sequence`.'),
    id: z.string().describe('The incident.'),
    version: shape.version,
    scope: shape.scope,
    kind: shape.kind,
    asn: shape.asn,
    label: shape.label,
    prefix: shape.prefix,
    site: shape.site,
    state: shape.state.describe('State after the change.'),
    onset: shape.onset,
    reopened: shape.reopened,
    expected_rate: shape.expected_rate,
    failure_rate: shape.failure_rate,
    failed: shape.failed,
    decided: shape.decided,
    clients: shape.clients,
    failing_clients: shape.failing_clients,
    cause: shape.cause,
    cause_share: shape.cause_share,
    explanation: shape.explanation,
    author: z.string().describe('Who acknowledged it or closed it by hand; empty when nobody did.'),
    note: z.string().describe('What was noted with it, or why it was closed; empty when nobody did.'),
  })
  .meta({
    id: 'IncidentChange',
    description: 'What became of an incident, with its figures as they were then.',
  })

export function changeItem(change: Change): z.output<typeof changeSchema> {
  return { ...change, at: iso(change.at), onset: iso(change.onset * 1_000) }
}
