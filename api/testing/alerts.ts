/** A row of the table `alerts`: one that fires for AS64500. Times in seconds since 1970; every field can be given. */
export function alertRow(given: Record<string, unknown> & { fired_at: number }) {
  return {
    id: 'alert',
    rule: 'any-network-diverges',
    severity: 'critical',
    state: 'firing',
    kind: 'divergence',
    scope: 'network',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    incident: 'i',
    started_at: given.fired_at - 180,
    resolved_at: 0,
    resolution: '',
    value: 0.41,
    threshold: 0.006,
    explanation: 'AS64500: 41 %',
    receivers: ['ops'],
    minute: given.fired_at,
    version: 1,
    ...given,
  }
}
