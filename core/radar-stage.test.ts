import { describe, expect, test } from 'vitest'
import { type RadarFacts, type RadarStage, radarStage } from './radar-stage.ts'

const silent: RadarFacts = {
  stage: 'connected',
  ended_by: 'timeout',
  bytes_in: 0,
  hello_segments: 0,
  tcp_seen: true,
  tcp_segs_in: 0,
}

const cases: [what: string, facts: Partial<RadarFacts>, stage: RadarStage][] = [
  ['a connection whose handshake of TCP was not finished', { stage: 'syn' }, 'post_syn'],
  ['a client that never spoke', {}, 'post_ack'],
  ['the tail of a hello whose head was lost', { tcp_segs_in: 1 }, 'post_psh'],
  ['a reset after a hello in one segment', { stage: 'hello', ended_by: 'reset', tcp_segs_in: 1 }, 'post_psh'],
  ['a hello of two segments', { stage: 'hello', tcp_segs_in: 2 }, 'later_in_flow'],
  ['more packets than Radar looks at', { stage: 'server_flight', tcp_segs_in: 9 }, 'no_match'],
  ['an orderly end', { stage: 'hello', ended_by: 'fin', tcp_segs_in: 1 }, 'no_match'],
  ['an alert', { stage: 'server_flight', ended_by: 'alert', tcp_segs_in: 2 }, 'no_match'],
  ['a completed handshake', { stage: 'completed', ended_by: '', tcp_segs_in: 3 }, 'no_match'],
  [
    'a hello seen by the agent alone',
    { stage: 'hello', tcp_seen: false, hello_segments: 2 },
    'later_in_flow',
  ],
  ['bytes alone, within a segment', { stage: 'hello', tcp_seen: false, bytes_in: 517 }, 'post_psh'],
  ['bytes alone, over a segment', { stage: 'hello', tcp_seen: false, bytes_in: 1_800 }, 'later_in_flow'],
]

describe('the stage of Cloudflare Radar', () => {
  test.each(cases)('%s', (_what, facts, stage) => {
    expect(radarStage({ ...silent, ...facts })).toBe(stage)
  })
})
