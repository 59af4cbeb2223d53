import type { ClosedEvent } from '../../core/event/event.ts'
import type { TlsFacts } from './tls-reader.ts'

/**
 * What ended a handshake where no alert and no packet says it in the contract's words; read by the enricher.
 * `capture_…`: what kept the capture from knowing.
 */
export const CAPTURE_ERRORS = [
  'capture_ended',
  'capture_loss',
  'capture_one_sided',
  'capture_without_hello',
  'capture_cut',
  'syn_only',
  'server_closed',
  'server_not_tls',
  'client_encrypted_alert',
  'server_encrypted_alert',
] as const
export type CaptureError = (typeof CAPTURE_ERRORS)[number]

/** How a handshake ended that did not complete, in the fields of the contract. */
export type Ending = Pick<ClosedEvent, 'ended_by' | 'error' | 'alert' | 'alert_side'>

const FATAL = 2

export function refusal({ alert }: TlsFacts, side: 'client' | 'server'): Ending | undefined {
  if (alert?.level !== FATAL) return undefined
  return { ended_by: 'alert', alert: alert.description, alert_side: side }
}

export function error(name: CaptureError): Ending {
  return { ended_by: 'error', error: name }
}

/** In the words of OpenSSL, as an agent in a server reports them. */
export function notTls(what: 'http' | 'other'): Ending {
  return {
    ended_by: 'error',
    error: what === 'http' ? 'ERR_SSL_HTTP_REQUEST' : 'ERR_SSL_WRONG_VERSION_NUMBER',
  }
}
