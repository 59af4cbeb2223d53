import { expect, test } from 'vitest'
import { isRight, type MtuInboundResult, type NetworkResult, renderMtuInbound } from './result.ts'

const broken: NetworkResult = {
  asn: 64500,
  network: 'Office Net',
  expected: 'broken',
  flagged: true,
  cause: 'mtu_inbound',
  success_rate_before: 1,
  success_rate: 0.25,
  handshakes: 40,
  failed: 30,
  evidence: '0 bytes read although 1 segment arrived',
  explanation: 'AS64500 Office Net: 72 % of clients fail',
  clients: { small: { tried: 10, completed: 10 }, large: { tried: 30, completed: 0 } },
}
const healthy: NetworkResult = {
  ...broken,
  asn: 64501,
  network: 'Home Net',
  expected: 'healthy',
  flagged: false,
  cause: '',
  success_rate: 1,
  failed: 0,
  evidence: '',
  explanation: '',
  clients: { small: { tried: 9, completed: 9 }, large: { tried: 8, completed: 8 } },
}

test('right is: the broken network flagged for its cause, the healthy one not flagged', () => {
  expect(isRight([broken, healthy])).toBe(true)
})

test.each([
  ['the broken one is not flagged', { ...broken, flagged: false }, healthy],
  ['it is flagged for another cause', { ...broken, cause: 'path_inbound' }, healthy],
  ['the healthy one is flagged too', broken, { ...healthy, flagged: true, cause: 'mtu_inbound' }],
])('wrong is: %s', (_, ...networks) => expect(isRight(networks)).toBe(false))

test('the table shows what was expected beside what was concluded, and the evidence under it', () => {
  const result = {
    scenario: 'mtu-inbound',
    ok: true,
    broken_at: '2026-01-01T00:02:00.000Z',
    flagged_at: '2026-01-01T00:05:10.000Z',
    seconds_to_flag: 190,
    networks: [broken, healthy],
  } satisfies MtuInboundResult
  expect(renderMtuInbound(result).split('\n')).toEqual([
    'network             path     concluded    before   since    cause        small hellos  large hellos',
    'AS64500 Office Net  broken   flagged      100.0 %  25.0 %   mtu_inbound  10 of 10      0 of 30',
    'AS64501 Home Net    healthy  not flagged  100.0 %  100.0 %  -            9 of 9        8 of 8',
    '',
    'AS64500 Office Net: 72 % of clients fail',
    'AS64500, evidence: 0 bytes read although 1 segment arrived',
    'Right: the broken network was flagged 190 s after its path broke, the healthy one was not.',
  ])
})

test('a network that was not flagged in time is told as wrong', () => {
  const text = renderMtuInbound({
    scenario: 'mtu-inbound',
    ok: false,
    broken_at: '2026-01-01T00:02:00.000Z',
    flagged_at: null,
    seconds_to_flag: null,
    networks: [{ ...broken, flagged: false }, healthy],
  })
  expect(text).toContain('Wrong: the broken network was not flagged in time.')
})
