import type { Incident } from '../../detector/incident.ts'

/** An open incident of AS64500; every field can be given. */
export function openIncident(given: Partial<Incident> = {}): Incident {
  const onset = given.onset ?? Math.floor(Date.now() / 60_000) * 60
  return {
    id: 'incident',
    scope: 'network',
    kind: 'divergence',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    state: 'open',
    onset,
    opened_at: onset + 240,
    closed_at: 0,
    reopened: 0,
    expected_rate: 0.006,
    failure_rate: 0.41,
    failed: 43,
    decided: 105,
    clients: 60,
    failing_clients: 37,
    prefixes: ['192.0.2.0/24'],
    members: [],
    evidence: 2.1e8,
    odds: 'a healthy network would look this bad about once in 400 years',
    world_excess: 0,
    cause: 'mtu_inbound',
    cause_share: 0.92,
    dimension: 'only ClientHellos over 1,400 bytes',
    explanation:
      "AS64500 Example Net: 41 % of clients' handshakes fail since 14:03, usually 0.6 %; 37 distinct clients, 80 % of them in 192.0.2.0/24; the rest of the world is normal; 92 % of the excess is mtu_inbound, only ClientHellos over 1,400 bytes",
    version: 1,
    updated_at: onset + 300,
    ...given,
  }
}
