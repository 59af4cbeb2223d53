import type { Incident } from './incident.ts'

/** A row of the table `incident_orders`: what somebody decided by hand of an incident. */
export type Order = Pick<Incident, 'scope' | 'asn' | 'label' | 'prefix' | 'site'> & {
  incident: string
  /** `acknowledge` changes nothing but the record; `close` ends the incident and lets its stream start anew. */
  action: 'acknowledge' | 'close'
  author: string
  /** Why; of an acknowledgement, a note. */
  reason: string
  /** When, ms since 1970. */
  given_at: number
  /** Start of the minute from which it holds, seconds since 1970; 0 until the detector has taken it. */
  minute: number
}

/** An order to close, as far as the detector asks: whose stream, and before which minute is judged. */
export type Closing = Pick<Order, 'incident' | 'scope' | 'asn' | 'label' | 'prefix' | 'site' | 'minute'>
