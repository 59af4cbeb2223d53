import type { Conclusion } from '../core/store/handshake-row.ts'
import { ALERT_RECORD_BYTES, type Facts } from './conclude-facts.ts'
import { verdict } from './conclude-verdict.ts'
import { ALERT, alertHint, alertName } from './tls-alerts.ts'
import { count } from './words.ts'

/** One side said no: by an alert, or by the error its TLS library gave. */

/** The library could not take the first record for a ClientHello. Codes of OpenSSL, and what Go's crypto/tls says. */
const NOT_TLS = new Map([
  ['ERR_SSL_HTTP_REQUEST', 'plain HTTP'],
  ['ERR_SSL_HTTPS_PROXY_REQUEST', 'a plain HTTP CONNECT'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'no TLS record'],
  ['ERR_SSL_UNKNOWN_PROTOCOL', 'no TLS record'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'a record longer than TLS allows'],
  ['ERR_SSL_UNEXPECTED_MESSAGE', 'a record that is no ClientHello'],
  ['ERR_SSL_BAD_RECORD_TYPE', 'no TLS record'],
  ['tls: first record does not look like a TLS handshake', 'no TLS record'],
])

/** The server could not do its part, whatever the client had said. */
const OURS = new Set([
  'ERR_SSL_INTERNAL_ERROR',
  'ERR_SSL_MALLOC_FAILURE',
  'ERR_SSL_NO_CERTIFICATE_ASSIGNED',
  'ERR_SSL_NO_CERTIFICATE_SET',
  'ERR_SSL_NO_PRIVATE_KEY_ASSIGNED',
  'ERR_SSL_NO_CIPHERS_AVAILABLE',
  'ERR_SSL_CALLBACK_FAILED',
  'ERR_SSL_CERT_CB_ERROR',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
])

/** OpenSSL's verdicts on a client's certificate, as Node names them (tls, "X509 certificate error codes"). */
const CLIENT_CERTIFICATE_REFUSED = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What the agent reports when the server's own program closed the connection. */
const SERVER_CLOSED = 'server_closed'

const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN'])

export function concludeAlert(facts: Facts, alert: number, side: 'client' | 'server'): Conclusion {
  // OpenSSL answers some garbage with an alert; it is no less garbage for that.
  if (side === 'server' && saysNotTls(facts)) return concludeNotTls(facts)
  const hint = alertHint(alert, side === 'client' ? 'server' : 'client')
  const words = `alert ${alert} (${alertName(alert)})${hint === '' ? '' : `, ${hint}`}`
  const more = facts.error === '' ? '' : `; ${facts.error}`
  if (alert === ALERT.closeNotify || alert === ALERT.userCanceled) {
    if (side === 'client') return verdict(facts, 'client_closed', 'certain', `the client sent ${words}`)
    return verdict(facts, 'server_rejected', 'likely', `the server sent ${words}${more}`)
  }
  if (side === 'client')
    return verdict(facts, 'client_rejected', 'certain', `the client sent ${words}${more}`)
  const cause = alert === ALERT.internalError || OURS.has(facts.error) ? 'ours' : 'server_rejected'
  return verdict(facts, cause, 'certain', `the server sent ${words}${more}`)
}

export function concludeError(facts: Facts): Conclusion {
  const { error, bytesIn } = facts
  const captured = concludeCaptured(facts)
  if (captured !== undefined) return captured
  if (saysNotTls(facts)) return concludeNotTls(facts)
  if (OURS.has(error) || error.startsWith('ERR_TLS_')) {
    return verdict(facts, 'ours', 'certain', `the server failed: ${error}`)
  }
  if (error === SERVER_CLOSED) {
    return verdict(
      facts,
      'unknown',
      'none',
      'our own side closed the connection before the handshake was done',
    )
  }
  if (CLIENT_CERTIFICATE_REFUSED.has(error)) {
    return verdict(
      facts,
      'server_rejected',
      'certain',
      `the server refused the client's certificate: ${error}`,
    )
  }
  if (UNREACHABLE.has(error)) {
    return verdict(
      facts,
      'path_outbound',
      'likely',
      `the network answered that the client is unreachable (${error})`,
    )
  }
  if (error.startsWith('ERR_SSL_')) {
    return verdict(facts, 'server_rejected', 'certain', `the server's TLS library refused: ${error}`)
  }
  const evidence = `it ended in ${error === '' ? 'an error without a code' : error} after ${count(bytesIn, 'byte')} in`
  return verdict(facts, bytesIn === 0 ? 'unknown' : 'unexplained', 'none', evidence)
}

/** What an agent that captures packets says of what it could, and could not, read. */
function concludeCaptured(facts: Facts): Conclusion | undefined {
  const after = `after ${count(facts.bytesIn, 'byte')} in and ${count(facts.bytesOut, 'byte')} out`
  switch (facts.error) {
    case 'syn_only':
      return {
        ...verdict(
          facts,
          'scanner',
          'likely',
          'a SYN and nothing more: the connection was never established',
        ),
        stage: 'syn',
      }
    case 'client_encrypted_alert':
      return verdict(
        facts,
        'client_rejected',
        'likely',
        `the client sent a record of an alert's length, encrypted, ${after}`,
      )
    case 'server_encrypted_alert':
      return verdict(
        facts,
        'server_rejected',
        'likely',
        `the server sent a record of an alert's length, encrypted, ${after}`,
      )
    case 'server_not_tls':
      return {
        ...verdict(
          facts,
          'server_not_tls',
          'certain',
          `the ClientHello was answered with ${count(facts.bytesOut, 'byte')} that are no TLS`,
        ),
        stage: 'hello',
      }
    case 'capture_ended':
      return verdict(facts, 'capture_ended', 'none', `the capture ended ${after}`)
    case 'capture_loss':
      return verdict(
        facts,
        'capture_loss',
        'none',
        `bytes were acknowledged that the capture does not have, ${after}`,
      )
    case 'capture_one_sided':
      return verdict(
        facts,
        'capture_loss',
        'none',
        `only the client's packets were captured: ${count(facts.bytesIn, 'byte')}`,
      )
    case 'capture_without_hello':
      return verdict(
        facts,
        'capture_loss',
        'none',
        `the capture has no ClientHello of it: it began too late, or saw one side only; ${after}`,
      )
    case 'capture_cut':
      return verdict(
        facts,
        'capture_loss',
        'none',
        `the capture kept too little of each packet to tell what was said, ${after}`,
      )
    default:
      return undefined
  }
}

/** Only of the first record: later on the same errors are a handshake gone wrong. */
function saysNotTls({ error, bytesOut }: Facts): boolean {
  return NOT_TLS.has(error) && bytesOut <= ALERT_RECORD_BYTES
}

function concludeNotTls(facts: Facts): Conclusion {
  const what = NOT_TLS.get(facts.error) ?? 'no TLS'
  const evidence = `${count(facts.bytesIn, 'byte')} came, ${what} (${facts.error})`
  return { ...verdict(facts, 'not_tls', 'certain', evidence), stage: 'connected' }
}
