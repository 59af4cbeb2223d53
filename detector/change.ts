import type { Incident } from './incident.ts'

export type ChangeEvent = 'opened' | 'changed' | 'acknowledged' | 'closed'

/** A row of the table `incident_changes`: what became of an incident, with its figures as they were then. */
export type Change = Pick<Incident, (typeof COPIED)[number]> & {
  /** One more with each change of any incident. */
  sequence: number
  /** `opened` also when it comes back: `reopened` tells. */
  event: ChangeEvent
  /** ms since 1970. */
  at: number
  /** Who acknowledged or closed it by hand, and the note or reason; '' when nobody did. */
  author: string
  note: string
}

/** What a change keeps of the incident. */
export const COPIED = [
  'id',
  'version',
  'scope',
  'kind',
  'asn',
  'label',
  'prefix',
  'site',
  'state',
  'onset',
  'reopened',
  'expected_rate',
  'failure_rate',
  'failed',
  'decided',
  'clients',
  'failing_clients',
  'cause',
  'cause_share',
  'explanation',
] as const
