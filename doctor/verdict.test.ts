import { expect, it } from 'vitest'
import type { Findings } from './examine.ts'
import type { HelloProbe } from './hello-probe.ts'
import { judge } from './verdict.ts'

const hello: HelloProbe = {
  bytes: 250,
  connected: 1,
  answer: { kind: 'server_hello', ms: 2, version: 'TLSv1.3', received: 800 },
}
const session = {
  kind: 'established',
  ms: 3,
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  issuer: 'an authority',
  validTo: 'Jan  1 00:00:00 2027 GMT',
  distrust: undefined,
  upload: 'arrived',
  download: 'complete',
  received: 1_000,
  answered: 'HTTP/1.1 200 OK',
} as const
const FINE: Findings = {
  ...{ address: '192.0.2.1', family: 4, ordinary: hello, unanswerable: hello, nameless: undefined },
  ...{ large: hello, postQuantum: hello, sizes: [], session, pathMtu: { bytes: 1500, atLeast: true } },
}

it.each([
  ['ERR_TLS_CERT_ALTNAME_INVALID', /a name that the certificate has/],
  ['CERT_HAS_EXPIRED', /renew it/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', /--ca/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /its whole chain/],
])('says what mends a certificate that is refused with %s', (distrust, advice) => {
  const verdict = judge({ ...FINE, session: { ...session, distrust } })
  expect(verdict.fault).toBe('certificate')
  expect(verdict.advice).toMatch(advice)
})

it('tells a machine without a route from a server that does not answer', () => {
  const unconnected = (code: string): Findings => ({
    ...FINE,
    ordinary: { bytes: 250, connected: undefined, answer: { kind: 'no_connection', ms: 0, code } },
  })
  expect(judge(unconnected('ENETUNREACH')).advice).toMatch(/no IPv6.* -4 /)
  expect(judge(unconnected('ETIMEDOUT')).advice).not.toMatch(/-4/)
})
