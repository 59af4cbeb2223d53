import { expect, it } from 'vitest'
import { type RadarFacts, type RadarStage, radarStage } from './radar-stage.ts'

const SILENT: RadarFacts = {
  stage: 'connected',
  ended_by: 'timeout',
  bytes_in: 0,
  hello_segments: 0,
  tcp_seen: false,
  tcp_segs_in: 0,
}

const CASES: [string, Partial<RadarFacts>, RadarStage][] = [
  ['a SYN that nothing follows', { stage: 'syn' }, 'post_syn'],
  ['a connection without data, timed out', {}, 'post_ack'],
  ['a connection without data, reset', { ended_by: 'reset' }, 'post_ack'],
  ['a connection without data, closed', { ended_by: 'fin' }, 'no_match'],
  ['a hello of one packet, reset', { stage: 'hello', ended_by: 'reset', bytes_in: 517 }, 'post_psh'],
  ['a hello of two packets, by its bytes', { stage: 'hello', bytes_in: 1800 }, 'later_in_flow'],
  [
    'a hello of two small packets, as seen',
    { stage: 'hello', bytes_in: 900, hello_segments: 2 },
    'later_in_flow',
  ],
  [
    'an MTU hole: one packet came, no byte was read',
    { stage: 'hello_partial', tcp_seen: true, tcp_segs_in: 1 },
    'post_psh',
  ],
  [
    'a slow client, a byte a packet',
    { stage: 'hello_partial', bytes_in: 8, tcp_seen: true, tcp_segs_in: 8 },
    'later_in_flow',
  ],
  ['more than ten packets', { stage: 'hello', bytes_in: 50, tcp_seen: true, tcp_segs_in: 9 }, 'no_match'],
  ['an alert', { stage: 'server_flight', ended_by: 'alert', bytes_in: 524 }, 'no_match'],
  ['a completed handshake', { stage: 'completed', ended_by: '', bytes_in: 600 }, 'no_match'],
]

it.each(CASES)('counts %s where Radar does', (_, facts, stage) => {
  expect(radarStage({ ...SILENT, ...facts })).toBe(stage)
})
