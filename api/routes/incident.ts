import { z } from 'zod'
import type { Incident } from '../../detector/incident.ts'
import { count, rate, time } from '../schemas.ts'
import { iso } from '../window.ts'

/** An incident as it is told: the detector's fields, times as ISO 8601. */
export const incidentSchema = z
  .strictObject({
    id: z.string().describe('Stays the same however often the minutes are judged again.'),
    scope: z
      .enum(['network', 'prefix', 'site', 'world', 'networks'])
      .describe('What diverges; `networks`: several that began to fail together, named in `members`.'),
    kind: z
      .enum(['divergence', 'our_side', 'volume'])
      .describe(
        '`divergence`: it fails more than it used to and more than the others. `our_side`: everyone fails. `volume`: handshakes are missing.',
      ),
    asn: count('AS number; 0 where the incident is of no single network.'),
    label: z.string(),
    prefix: z.string().describe('With scope `prefix`, else empty.'),
    site: z.string(),
    state: z.enum(['open', 'closed']),
    onset: time('Start of the first bad minute.'),
    opened_at: time('When it was certain enough.'),
    closed_at: time('When it was over; null while open.').nullable(),
    reopened: count('How often it came back within half an hour.'),
    expected_rate: z.number().describe('Failure rate that a healthy stream would have had.'),
    failure_rate: z
      .number()
      .describe('Failure rate since the onset; for `volume` the share of handshakes missing.'),
    failed: z
      .number()
      .describe('Failures since the onset, one per client and minute; for `volume` handshakes seen.'),
    decided: z
      .number()
      .describe('Handshakes since the onset, one per client and minute; for `volume` the usual number.'),
    clients: count('Distinct clients since the onset.'),
    failing_clients: count('Distinct failing clients since the onset.'),
    prefixes: z
      .array(z.string())
      .describe('The fewest prefixes that explain 80 % of the excess, worst first.'),
    members: z
      .array(z.string())
      .describe(
        'Networks that share the fault; of a network that is part of a shared incident, the id of that.',
      ),
    evidence: z.number().describe('The highest so far: a healthy stream reaches it once in so many minutes.'),
    odds: z.string().describe('The evidence in words.'),
    world_excess: z
      .number()
      .describe('Failure share of the rest of the world beyond the usual; 0 when it is normal.'),
    cause: z.string().describe('Dominant cause of the excess; empty while unknown.'),
    cause_share: rate('Its share of the excess.'),
    dimension: z.string().describe('What carries the excess, in words; empty when nothing stands out.'),
    explanation: z.string().describe('All of it in a sentence.'),
    version: count('Grows with every change.'),
    updated_at: time('When it last changed.'),
  })
  .meta({ id: 'Incident', description: 'A divergence that the detector found.' })

export function incidentItem(incident: Incident): z.output<typeof incidentSchema> {
  return {
    ...incident,
    onset: iso(incident.onset * 1_000),
    opened_at: iso(incident.opened_at * 1_000),
    closed_at: incident.closed_at === 0 ? null : iso(incident.closed_at * 1_000),
    updated_at: iso(incident.updated_at * 1_000),
  }
}
