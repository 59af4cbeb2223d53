import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CAUSES } from '../core/causes.ts'
import {
  type ActiveEvent,
  type ClosedEvent,
  checkEvent,
  type DecidingEvent,
  FIELDS,
  type Field,
} from '../core/event/index.ts'
import type { Confidence, Outcome, Stage } from '../core/store/handshake-row.ts'
import { CONFIDENCES, STAGES } from '../core/store/handshake-row.ts'
import { conclude } from './conclude.ts'

type Given = Partial<Omit<ClosedEvent, 'state'>> & { after?: number }
type Expected = [Outcome, Stage, string, Confidence]

const OPENED = 1_750_000_000_000
/** TCP_INFO of a healthy connection; the counters that `ss` leaves out are zero. */
const KERNEL = { tcp_rtt_us: 30_000, tcp_mss: 1448, tcp_pmtu: 1500 }
/** A flight with a chain of RSA certificates: three full-size segments and a small one. */
const BIG_FLIGHT = { ...KERNEL, bytes_in: 349, bytes_out: 5091, tcp_segs_in: 1 }
const SMALL_FLIGHT = { ...KERNEL, bytes_in: 349, bytes_out: 740, tcp_segs_in: 1 }
const ACKED = { ...SMALL_FLIGHT, tcp_bytes_acked: 740 }
/** A ClientHello of which a capture saw the beginning. */
const PART = { hello_bytes: 1771, hello_segments: 0 }
const BIG_HELLO = { hello_bytes: 1800, hello_segments: 2, hello_post_quantum: true }

function closed({ after = 10_000, ...facts }: Given): ClosedEvent {
  return {
    v: 1,
    id: 'c-1',
    state: 'closed',
    opened_at: OPENED,
    decided_at: OPENED + after,
    source_address: '203.0.113.9',
    source_port: 50_000,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 0,
    bytes_out: 0,
    ended_by: 'timeout',
    ...facts,
  }
}

function alert(side: 'client' | 'server', number: number, facts: Given = {}): Given {
  return {
    after: 80,
    bytes_in: 349,
    bytes_out: side === 'server' ? 7 : 1337,
    ended_by: 'alert',
    alert: number,
    alert_side: side,
    ...facts,
  }
}

function failure(error: string, facts: Given = {}): Given {
  return { after: 30, bytes_in: 349, ended_by: 'error', error, ...facts }
}

/** Figures marked "lab" were read on Linux 6 in network namespaces, with Node and OpenSSL on both ends. */
const CASES: [title: string, given: Given, expected: Expected, evidence?: RegExp][] = [
  // Nothing was read.
  [
    'lab: ClientHello above the MTU of the way in',
    { ...KERNEL, tcp_segs_in: 1, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'likely'],
    /^0 bytes read in 10\.0 s although 1 segment with data arrived: 1 segment is held back out of order/,
  ],
  [
    'the same, where the ClientHello was seen',
    { ...KERNEL, ...BIG_HELLO, tcp_segs_in: 1, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'likely'],
    /the ClientHello \(1800 bytes, post-quantum\) is lost/,
  ],
  [
    'the same with a deadline of 2 s, which one more loss could explain',
    { ...KERNEL, after: 2_000, tcp_segs_in: 1, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'possible'],
  ],
  [
    'the same where the SYN-ACK had been lost too: a client that resends seldom',
    { ...KERNEL, tcp_segs_in: 1, tcp_ooo: 1, tcp_retrans: 2 },
    ['failed', 'hello_partial', 'path_inbound', 'possible'],
    /The SYN-ACK was resent 2 times/,
  ],
  [
    'the same after two minutes, in which even such a client resends often',
    { ...KERNEL, after: 120_000, tcp_segs_in: 1, tcp_ooo: 1, tcp_retrans: 2 },
    ['failed', 'hello_partial', 'mtu_inbound', 'possible'],
  ],
  [
    'the same where a round trip takes longer than the SYN-ACK waits',
    { ...KERNEL, tcp_rtt_us: 1_200_000, tcp_segs_in: 1, tcp_ooo: 1, tcp_retrans: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'likely'],
  ],
  [
    'lab, 30 % loss: a round trip of 2 s, in which a SYN-ACK is resent once and not three times',
    { ...KERNEL, tcp_rtt_us: 2_044_120, tcp_segs_in: 1, tcp_ooo: 1, tcp_retrans: 3 },
    ['failed', 'hello_partial', 'path_inbound', 'possible'],
  ],
  [
    'a segment out of order after half a second: loss by chance is not resent yet',
    { ...KERNEL, after: 500, tcp_segs_in: 1, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'unexplained', 'none'],
  ],
  [
    'a client behind an MTU hole that loses patience and resets',
    { ...KERNEL, after: 5_000, ended_by: 'reset', tcp_segs_in: 1, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'likely'],
  ],
  [
    'lab: a client that never speaks',
    { ...KERNEL },
    ['noise', 'connected', 'silent', 'certain'],
    /no segment/,
  ],
  [
    'a client that never speaks, on a path that lost the SYN-ACK',
    { ...KERNEL, tcp_retrans: 1 },
    ['noise', 'connected', 'silent', 'likely'],
    /the SYN-ACK was resent once/,
  ],
  [
    'silence where the kernel was not asked',
    {},
    ['unknown', 'connected', 'unknown', 'none'],
    /the kernel was not asked/,
  ],
  [
    'data in order that the server did not read',
    { ...KERNEL, tcp_segs_in: 2 },
    ['failed', 'hello_partial', 'ours', 'possible'],
  ],
  ['a close without a byte', { after: 40, ended_by: 'fin' }, ['noise', 'connected', 'preconnect', 'likely']],
  [
    'a close without a byte, as the kernel confirms',
    { ...KERNEL, after: 4_000, ended_by: 'fin' },
    ['noise', 'connected', 'preconnect', 'certain'],
  ],
  ['a reset at once', { after: 3, ended_by: 'reset' }, ['noise', 'connected', 'scanner', 'likely']],
  [
    'ECONNRESET at once, as an error',
    failure('ECONNRESET', { bytes_in: 0, after: 3 }),
    ['noise', 'connected', 'scanner', 'likely'],
  ],
  [
    'a reset after a while, with nothing in the kernel',
    { ...KERNEL, after: 6_000, ended_by: 'reset' },
    ['noise', 'connected', 'scanner', 'certain'],
  ],
  [
    'a reset after a while, with nothing known',
    { after: 6_000, ended_by: 'reset' },
    ['unknown', 'connected', 'unknown', 'none'],
  ],

  // The ClientHello began and did not end.
  [
    'lab: a byte every 200 ms',
    { ...KERNEL, bytes_in: 50, tcp_segs_in: 46 },
    ['failed', 'hello_partial', 'slow', 'likely'],
    /50 bytes of the ClientHello came in 10\.0 s, in order, in 46 segments/,
  ],
  [
    'a byte at a time, two of them swapped on the way',
    { ...KERNEL, bytes_in: 46, tcp_segs_in: 46, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'slow', 'likely'],
  ],
  [
    'lab: half a ClientHello, then nothing',
    { ...KERNEL, bytes_in: 150, tcp_segs_in: 1 },
    ['failed', 'hello_partial', 'hello_stopped', 'possible'],
  ],
  [
    'a full-size segment, then a hole: not by size',
    { ...KERNEL, bytes_in: 1448, tcp_segs_in: 2, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'path_inbound', 'likely'],
  ],
  [
    'a small segment, then a hole before the tail',
    { ...KERNEL, bytes_in: 200, tcp_segs_in: 2, tcp_ooo: 1 },
    ['failed', 'hello_partial', 'mtu_inbound', 'likely'],
  ],
  [
    'lab: the full-size head of a ClientHello, on a path that lost the SYN-ACK: its tail may be lost by chance',
    { ...KERNEL, bytes_in: 1448, tcp_segs_in: 1, tcp_retrans: 2 },
    ['failed', 'hello_partial', 'path_inbound', 'possible'],
    /1448 bytes of the ClientHello came in 10\.0 s, in 1 segment, then nothing; nobody saw .*; the SYN-ACK was resent 2 times and the last segment was full/,
  ],
  [
    'full-size and a small segment on such a path: all of it may have come, to a server that hangs',
    { ...KERNEL, bytes_in: 1771, tcp_segs_in: 2, tcp_retrans: 1 },
    ['failed', 'hello_partial', 'hello_stopped', 'possible'],
    /a server that does not get to answer would look the same; the SYN-ACK was resent once/,
  ],
  [
    'a small part of a ClientHello on such a path: the client may have stopped, too',
    { ...KERNEL, bytes_in: 150, ...PART, tcp_segs_in: 1, tcp_retrans: 1 },
    ['failed', 'hello_partial', 'hello_stopped', 'possible'],
    /the SYN-ACK was resent once, so the path may have lost the rest/,
  ],
  [
    'part of a ClientHello whose header said how long it would be',
    { ...KERNEL, bytes_in: 1448, ...PART, tcp_segs_in: 1 },
    ['failed', 'hello_partial', 'hello_stopped', 'likely'],
    /1448 bytes of the ClientHello \(it has 1771 without the headers of its records\) came/,
  ],
  [
    'all of it but one byte, in records that add to its length',
    { ...KERNEL, bytes_in: 1780, ...PART, tcp_segs_in: 2 },
    ['failed', 'hello_partial', 'hello_stopped', 'likely'],
  ],
  [
    'all of it, where an agent told its length alone',
    { ...KERNEL, bytes_in: 517, hello_bytes: 517, tcp_segs_in: 1 },
    ['failed', 'hello', 'ours', 'likely'],
  ],
  [
    'half a ClientHello where the kernel was not asked',
    { bytes_in: 150 },
    ['failed', 'hello_partial', 'unexplained', 'none'],
  ],
  [
    'a ClientHello that was seen to be longer than what came',
    { bytes_in: 1448, bytes_out: 0, ...BIG_HELLO, ended_by: 'reset', after: 90 },
    ['failed', 'hello_partial', 'reset_after_hello', 'possible'],
  ],
  ['three bytes, then nothing', { bytes_in: 3 }, ['noise', 'connected', 'not_tls', 'likely'], /3 bytes came/],
  [
    'three bytes and a close',
    { bytes_in: 3, ended_by: 'fin', after: 5 },
    ['noise', 'connected', 'not_tls', 'likely'],
  ],
  [
    'three bytes and a reset',
    { bytes_in: 3, ended_by: 'reset', after: 5 },
    ['noise', 'connected', 'not_tls', 'likely'],
  ],
  [
    'a whole ClientHello and no answer from the server',
    { bytes_in: 1805, ...BIG_HELLO },
    ['failed', 'hello', 'ours', 'likely'],
  ],

  // The server answered.
  [
    'lab: certificate chain above the MTU of the way out',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 3, tcp_sacked: 1, tcp_retrans: 7 },
    ['failed', 'server_flight', 'mtu_outbound', 'likely'],
    /^4 segments \(5091 bytes\) sent, 3 of them missing after 7 resends in 10\.0 s, while 1 later one is acknowledged/,
  ],
  [
    'lab: the same, the client gives up after 5 s',
    {
      ...BIG_FLIGHT,
      after: 5_007,
      ended_by: 'fin',
      tcp_unacked: 4,
      tcp_lost: 3,
      tcp_sacked: 1,
      tcp_retrans: 5,
    },
    ['failed', 'server_flight', 'mtu_outbound', 'likely'],
  ],
  [
    'the same, one resend of each so far: loss by chance could be that',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 3, tcp_sacked: 1, tcp_retrans: 3 },
    ['failed', 'server_flight', 'unexplained', 'none'],
  ],
  [
    'the same, the first of them resent once more',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 3, tcp_sacked: 1, tcp_retrans: 4 },
    ['failed', 'server_flight', 'mtu_outbound', 'possible'],
  ],
  [
    'each of them resent once, and the SYN-ACK twice, which the kernel counts with them',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 3, tcp_sacked: 1, tcp_segs_out: 7, tcp_retrans: 5 },
    ['failed', 'server_flight', 'unexplained', 'none'],
    /after 3 resends: too soon to tell/,
  ],
  [
    'resent often, and the SYN-ACK twice',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 3, tcp_sacked: 1, tcp_segs_out: 11, tcp_retrans: 9 },
    ['failed', 'server_flight', 'mtu_outbound', 'likely'],
    /3 of them missing after 7 resends/,
  ],
  [
    'lab, 30 % loss: two of three full-size segments arrived',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 2, tcp_sacked: 2, tcp_retrans: 7 },
    ['failed', 'server_flight', 'path_outbound', 'possible'],
    /1 of full size arrived, so it is not by size/,
  ],
  [
    'lab, 15 % loss: a full-size segment was acknowledged',
    { ...BIG_FLIGHT, tcp_bytes_acked: 1448, tcp_unacked: 3, tcp_lost: 2, tcp_sacked: 1, tcp_retrans: 9 },
    ['failed', 'server_flight', 'path_outbound', 'possible'],
    /1448 bytes are acknowledged, so it is not by size/,
  ],
  [
    'the same pattern with segments that every link takes',
    {
      ...BIG_FLIGHT,
      tcp_mss: 536,
      bytes_out: 740,
      tcp_unacked: 2,
      tcp_lost: 1,
      tcp_sacked: 1,
      tcp_retrans: 6,
    },
    ['failed', 'server_flight', 'path_outbound', 'possible'],
  ],
  [
    'lab: the way out is dead, the client resends its hello',
    { ...BIG_FLIGHT, tcp_segs_in: 7, tcp_unacked: 4, tcp_lost: 4, tcp_retrans: 6 },
    ['failed', 'server_flight', 'path_outbound', 'likely'],
    /the client resent its own 6 times, so it hears nothing from here/,
  ],
  [
    'lab: the way out is dead, a flight of one segment',
    { ...SMALL_FLIGHT, tcp_segs_in: 7, tcp_unacked: 1, tcp_lost: 1, tcp_retrans: 6 },
    ['failed', 'server_flight', 'path_outbound', 'likely'],
  ],
  [
    'lab: the way out is dead; the resends of a reordered hello are no hole in the way in',
    {
      ...BIG_FLIGHT,
      bytes_in: 1821,
      tcp_segs_in: 8,
      tcp_ooo: 1,
      tcp_unacked: 4,
      tcp_lost: 4,
      tcp_retrans: 6,
    },
    ['failed', 'server_flight', 'path_outbound', 'likely'],
  ],
  [
    'lab: a flight of one segment above the MTU: size or path cannot be told',
    { ...SMALL_FLIGHT, tcp_unacked: 1, tcp_lost: 1, tcp_retrans: 5 },
    ['failed', 'server_flight', 'path_outbound', 'possible'],
    /a hole by size, or a client that is gone, would look the same/,
  ],
  [
    'nothing acknowledged and no resend from the client',
    { ...BIG_FLIGHT, tcp_unacked: 4, tcp_lost: 4, tcp_retrans: 6 },
    ['failed', 'server_flight', 'path_outbound', 'possible'],
  ],
  [
    'lab: client certificate above the MTU of the way in',
    { ...KERNEL, bytes_in: 349, bytes_out: 806, tcp_bytes_acked: 806, tcp_segs_in: 2, tcp_ooo: 1 },
    ['failed', 'server_flight', 'mtu_inbound', 'likely'],
    /the client's answer to the server is lost/,
  ],
  [
    'the same after an answer that was resent, and arrived: a hole each way, of which one healed',
    {
      ...{ ...KERNEL, tcp_mss: 1348, tcp_pmtu: 1400, after: 30_000, bytes_in: 517, bytes_out: 5091 },
      ...{ tcp_bytes_acked: 5091, tcp_segs_in: 3, tcp_ooo: 1, tcp_segs_out: 8, tcp_retrans: 4 },
    },
    ['failed', 'server_flight', 'mtu_inbound', 'likely'],
  ],
  [
    'lab, 30 % loss: a Finished lost after two SYN-ACKs, what OpenSSL says when it leaves arrived',
    {
      ...{ ...KERNEL, after: 8_003, bytes_in: 339, bytes_out: 790, tcp_bytes_acked: 790 },
      ...{ tcp_segs_in: 2, tcp_ooo: 1, tcp_segs_out: 1, tcp_retrans: 2 },
    },
    ['failed', 'server_flight', 'path_inbound', 'possible'],
    /The SYN-ACK was resent 2 times, and then a client resends seldom/,
  ],
  [
    'lab, 30 % loss: the same, after an answer of one small segment that was lost three times',
    {
      ...{ ...KERNEL, after: 8_028, bytes_in: 339, bytes_out: 790, tcp_bytes_acked: 790 },
      ...{ tcp_segs_in: 4, tcp_ooo: 1, tcp_segs_out: 4, tcp_retrans: 3 },
    },
    ['failed', 'server_flight', 'path_inbound', 'possible'],
    /The server's answer, less than a full-size segment, was resent 3 times/,
  ],
  [
    'a client certificate lost, and one resend of the answer, which may have been a probe',
    {
      ...{ ...KERNEL, after: 30_000, bytes_in: 517, bytes_out: 806, tcp_bytes_acked: 806 },
      ...{ tcp_segs_in: 3, tcp_ooo: 1, tcp_segs_out: 2, tcp_retrans: 1 },
    },
    ['failed', 'server_flight', 'mtu_inbound', 'likely'],
  ],
  [
    'lab, 15 % loss: an answer missing where a hello of full size had passed',
    {
      ...KERNEL,
      bytes_in: 1821,
      bytes_out: 5091,
      tcp_bytes_acked: 5091,
      tcp_segs_in: 3,
      tcp_ooo: 2,
      tcp_retrans: 5,
    },
    ['failed', 'server_flight', 'path_inbound', 'likely'],
  ],
  [
    'a hello that came in the wrong order and was put together: no hole',
    { ...KERNEL, bytes_in: 1805, bytes_out: 740, tcp_bytes_acked: 740, tcp_segs_in: 2, tcp_ooo: 1 },
    ['failed', 'server_flight', 'client_stalled', 'possible'],
  ],
  [
    'lab: a client that has the answer and says nothing',
    ACKED,
    ['failed', 'server_flight', 'client_stalled', 'likely'],
    /acknowledged all of the server's answer \(740 bytes\)/,
  ],
  [
    'a round trip of three seconds',
    { ...ACKED, tcp_rtt_us: 3_000_000 },
    ['failed', 'server_flight', 'slow', 'likely'],
    /round trip of 3\.0 s/,
  ],
  [
    'an answer that is still under way, nothing of it lost',
    { ...BIG_FLIGHT, tcp_bytes_acked: 2896, tcp_unacked: 2 },
    ['failed', 'server_flight', 'slow', 'possible'],
  ],
  [
    'a timeout after the answer where the kernel was not asked',
    { bytes_in: 349, bytes_out: 740 },
    ['failed', 'server_flight', 'unexplained', 'none'],
  ],
  [
    "Node's own handshake timeout, as an error",
    failure('ERR_TLS_HANDSHAKE_TIMEOUT', { ...ACKED, after: 10_000 }),
    ['failed', 'server_flight', 'client_stalled', 'likely'],
  ],
  [
    'a reset right after the hello',
    { after: 45, ended_by: 'reset', bytes_in: 517, bytes_out: 1337 },
    ['failed', 'server_flight', 'reset_after_hello', 'likely'],
    /reset after 45 ms, 517 bytes in, 1337 bytes out/,
  ],
  [
    'a reset after a hello that was seen whole, before any answer',
    { after: 45, ended_by: 'reset', bytes_in: 517, hello_bytes: 512 },
    ['failed', 'hello', 'reset_after_hello', 'likely'],
  ],
  [
    'EPIPE while answering',
    failure('EPIPE', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'reset_after_hello', 'likely'],
  ],
  [
    'a reset after the client had the answer, as the kernel knew',
    { ...ACKED, after: 1_200, ended_by: 'reset' },
    ['failed', 'server_flight', 'reset_after_flight', 'likely'],
  ],
  [
    'a reset after the client had said more than its hello',
    { after: 90, ended_by: 'reset', bytes_in: 600, bytes_out: 1337, hello_bytes: 512 },
    ['failed', 'server_flight', 'reset_after_flight', 'likely'],
  ],
  [
    'a client that hangs up at once after the answer',
    { after: 60, ended_by: 'fin', bytes_in: 349, bytes_out: 1337 },
    ['failed', 'server_flight', 'client_closed', 'likely'],
  ],
  [
    'a client that hangs up after a wait, with nothing known of why',
    { after: 5_000, ended_by: 'fin', bytes_in: 349, bytes_out: 5091 },
    ['failed', 'server_flight', 'client_closed', 'possible'],
    /perhaps after waiting in vain/,
  ],
  [
    'a close: all that the client had sent before it has arrived, so what came twice is no hole',
    { ...SMALL_FLIGHT, bytes_in: 1805, after: 1_500, ended_by: 'fin', tcp_segs_in: 3, tcp_ooo: 1 },
    ['failed', 'server_flight', 'client_closed', 'likely'],
  ],
  [
    'a client that hangs up after a wait, having the answer',
    { ...ACKED, after: 5_000, ended_by: 'fin' },
    ['failed', 'server_flight', 'client_closed', 'likely'],
  ],
  [
    "OpenSSL's word for a close in mid-handshake",
    failure('ERR_SSL_UNEXPECTED_EOF_WHILE_READING', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'client_closed', 'likely'],
  ],

  // One side refused.
  [
    'client alert unknown_ca',
    alert('client', 48),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /^the client sent alert 48 \(unknown_ca\), about the server's certificate$/,
  ],
  [
    'client alert certificate_expired',
    alert('client', 45),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
  ],
  [
    'client alert protocol_version',
    alert('client', 70, { bytes_out: 90 }),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /alert 70 \(protocol_version\)$/,
  ],
  [
    'client alert bad_record_mac',
    alert('client', 20),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /perhaps something on the way changed the bytes/,
  ],
  [
    'client alert internal_error: its fault, not ours',
    alert('client', 80),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
  ],
  [
    'client alert of a number nobody knows',
    alert('client', 200),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /unassigned/,
  ],
  [
    'an alert outranks the reset that follows it',
    alert('client', 48, { ended_by: 'reset' }),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
  ],
  [
    "an alert by OpenSSL's name alone",
    failure('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /alert 48 \(unknown_ca\)/,
  ],
  [
    "an alert by OpenSSL's name of SSL 3",
    failure('ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'client_rejected', 'certain'],
    /alert 46/,
  ],
  ['client close_notify', alert('client', 0), ['failed', 'server_flight', 'client_closed', 'certain']],
  ['client user_canceled', alert('client', 90), ['failed', 'server_flight', 'client_closed', 'certain']],
  [
    'server alert handshake_failure: no shared cipher',
    alert('server', 40, { error: 'ERR_SSL_NO_SHARED_CIPHER' }),
    ['failed', 'hello', 'server_rejected', 'certain'],
    /^the server sent alert 40 \(handshake_failure\); ERR_SSL_NO_SHARED_CIPHER$/,
  ],
  [
    'server alert protocol_version',
    alert('server', 70, { error: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }),
    ['failed', 'hello', 'server_rejected', 'certain'],
  ],
  [
    'server alert no_application_protocol',
    alert('server', 120),
    ['failed', 'hello', 'server_rejected', 'certain'],
  ],
  [
    'server alert certificate_required, after its flight',
    alert('server', 116, { bytes_out: 1244 }),
    ['failed', 'server_flight', 'server_rejected', 'certain'],
    /about the client's certificate/,
  ],
  ['server alert internal_error', alert('server', 80), ['failed', 'hello', 'ours', 'certain']],
  ['server close_notify', alert('server', 0), ['failed', 'hello', 'server_rejected', 'likely']],
  [
    'no shared cipher, by its error alone',
    failure('ERR_SSL_NO_SHARED_CIPHER', { bytes_out: 7 }),
    ['failed', 'hello', 'server_rejected', 'certain'],
  ],
  [
    'a client without the certificate that was asked for',
    failure('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', { bytes_in: 454, bytes_out: 1244 }),
    ['failed', 'server_flight', 'server_rejected', 'certain'],
  ],
  [
    'a server without a certificate',
    failure('ERR_SSL_NO_CERTIFICATE_SET'),
    ['failed', 'hello', 'ours', 'certain'],
  ],
  ['capture: a SYN and nothing more', failure('syn_only'), ['noise', 'syn', 'scanner', 'likely']],
  [
    "capture: the client's encrypted alert",
    failure('client_encrypted_alert'),
    ['failed', 'hello', 'client_rejected', 'likely'],
    /encrypted/,
  ],
  [
    "capture: the server's encrypted alert",
    failure('server_encrypted_alert'),
    ['failed', 'hello', 'server_rejected', 'likely'],
    /encrypted/,
  ],
  [
    'capture: plain text in answer to a ClientHello',
    failure('server_not_tls'),
    ['failed', 'hello', 'server_not_tls', 'certain'],
  ],
  ['capture: it ended first', failure('capture_ended'), ['unknown', 'hello', 'capture_ended', 'none']],
  ['capture: it has a hole', failure('capture_loss'), ['unknown', 'hello', 'capture_loss', 'none']],
  ['capture: one side only', failure('capture_one_sided'), ['unknown', 'hello', 'capture_loss', 'none']],
  [
    'capture: it began too late',
    failure('capture_without_hello'),
    ['unknown', 'hello', 'capture_loss', 'none'],
    /no ClientHello/,
  ],
  [
    'capture: it cut its packets short',
    failure('capture_cut'),
    ['unknown', 'hello', 'capture_loss', 'none'],
    /too little of each packet/,
  ],
  ["an error of Node's own TLS", failure('ERR_TLS_INVALID_CONTEXT'), ['failed', 'hello', 'ours', 'certain']],
  [
    'no file descriptors left',
    failure('EMFILE', { bytes_in: 0 }),
    ['failed', 'connected', 'ours', 'certain'],
  ],

  // Not TLS.
  [
    'plain HTTP',
    failure('ERR_SSL_HTTP_REQUEST', { bytes_in: 18 }),
    ['noise', 'connected', 'not_tls', 'certain'],
    /^18 bytes came, plain HTTP \(ERR_SSL_HTTP_REQUEST\)$/,
  ],
  [
    'HTTP CONNECT',
    failure('ERR_SSL_HTTPS_PROXY_REQUEST', { bytes_in: 26 }),
    ['noise', 'connected', 'not_tls', 'certain'],
  ],
  [
    'SSH, RDP or garbage',
    failure('ERR_SSL_WRONG_VERSION_NUMBER', { bytes_in: 21 }),
    ['noise', 'connected', 'not_tls', 'certain'],
  ],
  [
    'garbage that OpenSSL answers with an alert',
    alert('server', 10, { bytes_in: 85, error: 'ERR_SSL_UNEXPECTED_MESSAGE' }),
    ['noise', 'connected', 'not_tls', 'certain'],
  ],
  [
    'the same error in the middle of a handshake',
    alert('server', 10, { bytes_out: 1337, error: 'ERR_SSL_UNEXPECTED_MESSAGE' }),
    ['failed', 'server_flight', 'server_rejected', 'certain'],
  ],
  [
    "what Go says of a first record that isn't one",
    failure('tls: first record does not look like a TLS handshake', { bytes_in: 18 }),
    ['noise', 'connected', 'not_tls', 'certain'],
  ],

  // The rest.
  [
    'an ICMP message says that the client is unreachable',
    failure('EHOSTUNREACH', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'path_outbound', 'likely'],
  ],
  [
    "the server's own program closed the connection",
    failure('server_closed', { bytes_out: 1337 }),
    ['unknown', 'server_flight', 'unknown', 'none'],
    /our own side/,
  ],
  [
    "the client's certificate was refused without an alert",
    failure('DEPTH_ZERO_SELF_SIGNED_CERT', { bytes_out: 1337 }),
    ['failed', 'server_flight', 'server_rejected', 'certain'],
    /client's certificate: DEPTH_ZERO_SELF_SIGNED_CERT/,
  ],
  [
    'an error that says nothing',
    failure('E_ODD'),
    ['failed', 'hello', 'unexplained', 'none'],
    /ended in E_ODD/,
  ],
  ['an error without a code or a byte', { ended_by: 'error' }, ['unknown', 'connected', 'unknown', 'none']],
  [
    'the agent stopped',
    { after: 300, ended_by: 'agent_stopped', bytes_in: 349, bytes_out: 740 },
    ['unknown', 'server_flight', 'agent_stopped', 'certain'],
  ],
]

describe('conclude', () => {
  it.each(CASES)('%s', (_, given, expected, evidence = /./) => {
    const { outcome, stage, cause, confidence, evidence: said } = conclude(closed(given))
    expect([outcome, stage, cause, confidence]).toEqual(expected)
    expect(said).toMatch(evidence)
  })

  it('says nothing more of a completed handshake, whatever else is known of it', () => {
    const { ended_by: _, ...facts } = closed({ ...KERNEL, tcp_ooo: 3, tcp_segs_in: 9, error: 'ERR_ODD' })
    const event: ActiveEvent = { ...facts, state: 'active' }
    expect(conclude(event)).toEqual({
      outcome: 'completed',
      stage: 'completed',
      cause: '',
      confidence: 'none',
      evidence: '',
    })
  })

  it('uses every cause of the catalogue', () => {
    expect(new Set(CASES.map(([, , [, , cause]]) => cause))).toEqual(new Set(Object.keys(CAUSES)))
  })

  it('concludes something of every event that the contract allows: completed if and only if it is active', () => {
    fc.assert(
      fc.property(decidingEvents(), (event) => {
        const { outcome, stage, cause, confidence, evidence } = conclude(event)
        expect(outcome === 'completed').toBe(event.state === 'active')
        expect(stage === 'completed').toBe(event.state === 'active')
        expect(STAGES).toContain(stage)
        expect(CONFIDENCES).toContain(confidence)
        if (event.state === 'active') return
        expect(CAUSES).toHaveProperty(cause)
        expect(outcome).toBe(CAUSES[cause as keyof typeof CAUSES].outcome)
        expect(evidence.length).toBeGreaterThan(0)
        expect(evidence.length).toBeLessThan(500)
        expect(evidence).not.toMatch(/NaN|undefined|-\d/)
        if (confidence === 'none') expect(['unknown', 'unexplained']).toContain(cause)
      }),
      { numRuns: 4_000 },
    )
  })

  it('never speaks of an MTU without the kernel having seen a hole', () => {
    fc.assert(
      fc.property(decidingEvents(), (event) => {
        const { cause } = conclude(event)
        if (cause === 'mtu_inbound') expect(event.tcp_ooo).toBeGreaterThan(0)
        if (cause === 'mtu_outbound') expect(event.tcp_sacked).toBeGreaterThan(0)
        if (cause.startsWith('mtu')) expect(event.decided_at - event.opened_at).toBeGreaterThanOrEqual(1000)
      }),
      { numRuns: 4_000 },
    )
  })
})

/** Events of all shapes that the parser accepts, with values that the rules look at. */
function decidingEvents(): fc.Arbitrary<DecidingEvent> {
  const optional = (FIELDS as readonly Field[]).filter(({ required }) => !required)
  const extras = fc.record(Object.fromEntries(optional.map((field) => [field.name, valuesOf(field)])), {
    requiredKeys: [],
  })
  const sizes = fc.record({
    bytes_in: sizeOf(),
    bytes_out: sizeOf(),
    after: fc.constantFrom(0, 20, 999, 1000, 3000, 10_000, 86_400_000),
  })
  return fc
    .tuple(extras, sizes, fc.constantFrom('active', 'closed'))
    .map(([extra, { after, ...bytes }, state]) => eventOf({ ...extra, ...bytes, state }, after))
    .filter((event) => event !== undefined)
}

function eventOf(value: Record<string, unknown>, after: number): DecidingEvent | undefined {
  const { ended_by, alert: number, alert_side, state, ...rest } = value
  const event = {
    ...closed({ after }),
    ...rest,
    state,
    decided_at: OPENED + after,
    ...(state === 'closed' ? { ended_by: ended_by ?? 'timeout' } : {}),
    ...(number === undefined || alert_side === undefined ? {} : { alert: number, alert_side }),
  }
  if (state === 'active') Reflect.deleteProperty(event, 'ended_by')
  const parsed = checkEvent(event)
  return parsed.ok && parsed.event.state !== 'new' ? parsed.event : undefined
}

function valuesOf({ name, is }: Field): fc.Arbitrary<unknown> {
  if (name === 'error') {
    return fc.constantFrom(
      'ECONNRESET',
      'EPIPE',
      'ERR_SSL_HTTP_REQUEST',
      'ERR_SSL_NO_SHARED_CIPHER',
      'ERR_TLS_X',
      '',
      'odd',
    )
  }
  switch (is.kind) {
    case 'integer':
      return fc.oneof(
        fc.integer({ min: is.min, max: Math.min(is.max, is.min + 8) }),
        fc.integer({ min: is.min, max: is.max }),
      )
    case 'enum':
      return fc.constantFrom(...is.values)
    case 'boolean':
      return fc.boolean()
    default:
      return fc.constantFrom('', 'a', 'www.example.com')
  }
}

function sizeOf(): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(0, 1, 7, 50, 349, 1448, 1821, 5091), fc.nat(10_000))
}
