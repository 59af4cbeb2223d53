import { describe, expect, it } from 'vitest'
import { describedIncident, explanationOf, type Incident, oddsInWords } from './incident.ts'

const AT = 1_700_000_580 // 2023-11-14T22:23:00Z
const incident: Incident = {
  ...{ id: 'as64500-x', scope: 'network', kind: 'divergence', asn: 64500, label: '', prefix: '', site: '' },
  ...{ state: 'open', onset: AT, opened_at: AT + 120, closed_at: 0, reopened: 0 },
  ...{ expected_rate: 0.006, failure_rate: 0.41, failed: 43, decided: 105, clients: 90, failing_clients: 37 },
  ...{ prefixes: ['192.0.2.0/24', '198.51.100.0/24'], members: [], evidence: 1e9, odds: '', world_excess: 0 },
  ...{ cause: 'mtu_inbound', cause_share: 0.92, dimension: 'only ClientHellos over 1,400 bytes' },
  ...{ explanation: '', version: 1, updated_at: AT },
}

describe('explanationOf', () => {
  it('says what fails, since when, what is usual, who, and why', () => {
    expect(explanationOf(incident, 'Example Net')).toBe(
      "AS64500 Example Net: 41 % of clients' handshakes fail since 22:23, at most 0.6 % was to be expected; 37 distinct clients; " +
        '2 prefixes explain the excess; the rest of the world is normal; ' +
        '92 % of the excess is mtu_inbound, only ClientHellos over 1,400 bytes',
    )
  })

  it.each([
    [
      { scope: 'prefix', prefix: '192.0.2.0/24' },
      /^192\.0\.2\.0\/24 of AS64500 Example Net: .*; 37 distinct clients; the/,
    ],
    [{ label: 'Customer' }, /^AS64500 Customer: /],
    [{ asn: 0, label: 'Customer' }, /^Customer: /],
    [{ prefixes: ['192.0.2.0/24'] }, /; 192\.0\.2\.0\/24 explains the excess;/],
    [{ world_excess: 0.05 }, /; the rest of the world fails 5\.0 % more than usual, which is allowed for;/],
    [
      { scope: 'world', kind: 'our_side' },
      /^All networks: .*; the networks fail alike, so the fault is on our side;/,
    ],
    [{ scope: 'site', kind: 'our_side', site: 'fra' }, /^All networks at site fra: /],
    [{ state: 'closed', closed_at: AT + 3600 }, /; over since 23:23$/],
    [{ cause: '' }, /; the rest of the world is normal$/],
  ] as [Partial<Incident>, RegExp][])('speaks of %j', (given, expected) => {
    expect(explanationOf({ ...incident, ...given }, 'Example Net')).toMatch(expected)
  })
})

it('describedIncident takes the figures the store has counted and keeps the others', () => {
  const description = {
    network: 'Example Net',
    cause: 'slow',
    cause_share: 1,
    dimension: '',
    failing_clients: 12,
  }
  const described = describedIncident(incident, description)
  expect(described).toMatchObject({ cause: 'slow', failing_clients: 12, clients: 90 })
  expect(described.explanation).toContain('12 distinct clients')
  expect(described).not.toHaveProperty('network')
})

describe('oddsInWords', () => {
  it.each([
    [60 * 5, 'about once in 5 hours'],
    [60 * 24 * 40, 'about once in 40 days'],
    [5_259_600, 'about once in 10 years'],
    [5_259_600 * 1234, 'about once in 12,000 years'],
    [1e20, 'less than once in a million years'],
  ])('puts %d minutes into words', (minutes, words) => {
    expect(oddsInWords(minutes)).toBe(`a healthy network would look this bad ${words}`)
  })
})
