import { describe, expect, test } from 'vitest'
import { connectionKey, parseSs } from './ss-parse.ts'

// Printed by iproute2 6.1 on Linux 6.18 (-tinOH state connected), long lines as they are.
const SILENT =
  'ESTAB 0      0      [::ffff:127.0.0.1]:44403 [::ffff:127.0.0.1]:59540 bbr wscale:10,10 rto:200 rtt:0.003/0.001 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:10 segs_in:2 bbr:(bw:0bps,mrtt:0.003) send 873813333333bps lastsnd:804 delivered:1 app_limited rcv_space:65483'
const HOLE_IN =
  'ESTAB 0      0      192.0.2.1:443 203.0.113.9:40112 cubic wscale:7,7 rto:204 rtt:0.35/0.175 ato:40 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 cwnd:10 segs_out:2 segs_in:4 data_segs_in:1 rcv_ooopack:1 rcv_space:14480'
const HOLE_OUT =
  'ESTAB 0      3517   [2001:db8::1]:8443 [2001:db8:1::9%eth0]:40113 cubic wscale:7,7 rto:1632 backoff:3 rtt:1.5/2 mss:1428 pmtu:1500 bytes_sent:9000 bytes_acked:1 data_segs_out:9 data_segs_in:1 unacked:3 retrans:1/6 lost:2 sacked:1'
const WITHOUT_INFO = 'ESTAB 0 0 127.0.0.1:443 127.0.0.1:5'

describe('what ss prints', () => {
  const readings = parseSs([SILENT, HOLE_IN, HOLE_OUT, WITHOUT_INFO, '', 'nonsense'].join('\n'))

  test('is found by the addresses as Node prints them', () => {
    expect([...readings.keys()]).toEqual([
      connectionKey(44403, '::ffff:127.0.0.1', 59540),
      connectionKey(443, '203.0.113.9', 40112),
      connectionKey(8443, '2001:db8:1::9', 40113),
    ])
    expect(connectionKey(443, '127.0.0.1', 1)).toBe(connectionKey('443', '[::FFFF:127.0.0.1]', '1'))
  })

  test('counts as 0 what ss leaves out', () => {
    expect(readings.get(connectionKey(44403, '127.0.0.1', 59540))).toEqual({
      tcp_rtt_us: 3,
      tcp_mss: 32768,
      tcp_pmtu: 65535,
      tcp_segs_in: 0,
      tcp_segs_out: 0,
      tcp_ooo: 0,
      tcp_bytes_acked: 0,
      tcp_unacked: 0,
      tcp_lost: 0,
      tcp_sacked: 0,
      tcp_retrans: 0,
    })
  })

  test('shows the hole towards the server: data came, none of it in order', () => {
    expect(readings.get(connectionKey(443, '203.0.113.9', 40112))).toMatchObject({
      ...{ tcp_segs_in: 1, tcp_ooo: 1, tcp_mss: 1448, tcp_rtt_us: 350 },
    })
  })

  test('shows the hole towards the client: segments lost, a small one acknowledged', () => {
    expect(readings.get(connectionKey(8443, '2001:db8:1::9', 40113))).toMatchObject({
      ...{ tcp_unacked: 3, tcp_lost: 2, tcp_sacked: 1, tcp_retrans: 6, tcp_segs_out: 9, tcp_bytes_acked: 1 },
    })
  })
})
