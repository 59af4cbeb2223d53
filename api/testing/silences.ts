import type { Silence } from '../../alerts/silence.ts'

/** A silence of AS64500 from a time on, for an hour; ms since 1970. Every field can be given. */
export function silenceFor(starts_at: number, given: Partial<Silence> = {}): Silence {
  return {
    id: 'incident',
    rules: [],
    severities: [],
    asns: [64_500],
    labels: [],
    prefixes: [],
    sites: [],
    weekly: null,
    author: 'Ada',
    reason: 'Their maintenance',
    created_at: starts_at,
    starts_at,
    ends_at: starts_at + 3_600_000,
    ended_by: '',
    ended_reason: '',
    ended_at: 0,
    ...given,
  }
}
