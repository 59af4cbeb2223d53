import { describe, expect, test } from 'vitest'
import { type Ending, endingOf, endingOfClosed, type Failure } from './ending.ts'

const failure = (given: Partial<Failure>): Failure => ({
  code: undefined,
  message: '',
  syscall: undefined,
  clientEnded: false,
  unauthorized: undefined,
  tlsVersion: undefined,
  ...given,
})
const hangUp = { code: 'ECONNRESET', message: 'socket hang up' }
const sslError = (hex: string) => `80ACE13EF17F0000:error:${hex}:SSL routines:ssl3_read_bytes:x:rec.c:1:`

const CASES: [string, Partial<Failure>, Ending][] = [
  [
    'an alert received, by the reason in the error',
    { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', message: sslError('0A000418') },
    { ended_by: 'alert', alert: 48, alert_side: 'client', error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' },
  ],
  [
    'an alert OpenSSL has no name for',
    { code: 'ERR_SSL_X', message: sslError('0A0004C6') },
    { ended_by: 'alert', alert: 222, alert_side: 'client', error: 'ERR_SSL_X' },
  ],
  [
    'a reason just below the alerts',
    { code: 'ERR_SSL_X', message: sslError('0A0003E7') },
    { ended_by: 'error', error: 'ERR_SSL_X' },
  ],
  [
    'the same reason of another library of OpenSSL',
    { code: 'ERR_X', message: sslError('05800418') },
    { ended_by: 'error', error: 'ERR_X' },
  ],
  [
    'an alert sent',
    { code: 'ERR_SSL_NO_SHARED_CIPHER' },
    { ended_by: 'alert', alert: 40, alert_side: 'server', error: 'ERR_SSL_NO_SHARED_CIPHER' },
  ],
  [
    'a missing certificate in TLS 1.3',
    { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', tlsVersion: 'TLSv1.3' },
    {
      ended_by: 'alert',
      alert: 116,
      alert_side: 'server',
      error: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
    },
  ],
  [
    'a missing certificate in TLS 1.2',
    { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', tlsVersion: 'TLSv1.2' },
    {
      ended_by: 'alert',
      alert: 40,
      alert_side: 'server',
      error: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
    },
  ],
  [
    'an RST',
    { code: 'ECONNRESET', message: 'read ECONNRESET', syscall: 'read' },
    { ended_by: 'reset', error: 'ECONNRESET' },
  ],
  ['a write into an RST', { code: 'EPIPE', syscall: 'write' }, { ended_by: 'reset', error: 'EPIPE' }],
  [
    "the kernel's time-out",
    { code: 'ETIMEDOUT', syscall: 'read' },
    { ended_by: 'timeout', error: 'ETIMEDOUT' },
  ],
  ['a FIN', { ...hangUp, clientEnded: true }, { ended_by: 'fin' }],
  ['our side hanging up', hangUp, { ended_by: 'error', error: 'server_closed' }],
  [
    'a certificate refused by Node',
    { ...hangUp, unauthorized: 'CERT_HAS_EXPIRED' },
    { ended_by: 'error', error: 'CERT_HAS_EXPIRED' },
  ],
  ['an error without a code', { message: 'boo' }, { ended_by: 'error', error: 'unknown' }],
]

describe('the ending concluded from an error', () => {
  test.each(CASES)('%s', (_title, given, expected) => {
    expect(endingOf(failure(given))).toEqual(expected)
  })
})

describe('the ending of a stream found closed', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
  test.each([
    [{ errored: null, readableEnded: true }, { ended_by: 'fin' }],
    [
      { errored: null, readableEnded: false },
      { ended_by: 'error', error: 'server_closed' },
    ],
    [
      { errored: reset, readableEnded: false },
      { ended_by: 'reset', error: 'ECONNRESET' },
    ],
  ])('%o', (socket, expected) => {
    expect(endingOfClosed(socket)).toEqual(expected)
  })
})
