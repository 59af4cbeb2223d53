import type { EndedBy, Side } from '../../core/event/fields.ts'
import { clientAlert, serverAlert } from './alerts.ts'

/** How a handshake ended, in the words of the contract. */
export type Ending = { ended_by: EndedBy; alert?: number; alert_side?: Side; error?: string }

/** What the server's `tlsClientError` tells: the error, and the state of the TLS socket it came with. */
export type Failure = {
  code: string | undefined
  message: string
  /** The system call that failed; Node's own "socket hang up" has none. */
  syscall: string | undefined
  /** Whether the client's FIN (or close_notify) was read. */
  clientEnded: boolean
  /** Why the client's certificate was refused, undefined if it was not. */
  unauthorized: string | undefined
  /** The TLS version settled on, undefined if it did not come to that. */
  tlsVersion: string | undefined
}

/** Our side closed the connection although nothing was wrong with it: the application, or the server going down. */
export const SERVER_CLOSED = 'server_closed'

const HANG_UP = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
const RESETS = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE'])
const TIMEOUTS = new Set(['ERR_TLS_HANDSHAKE_TIMEOUT', 'ETIMEDOUT'])

/** Concludes from an error how the handshake ended. */
export function endingOf(failure: Failure): Ending {
  const { code = 'unknown', message } = failure
  const received = clientAlert(message)
  if (received !== undefined) {
    return { ended_by: 'alert', alert: received, alert_side: 'client', error: code }
  }
  const sent = serverAlert(code, failure.tlsVersion)
  if (sent !== undefined) return { ended_by: 'alert', alert: sent, alert_side: 'server', error: code }
  if (TIMEOUTS.has(code)) return { ended_by: 'timeout', error: code }
  if (isHangUp(failure)) return hangUp(failure)
  if (RESETS.has(code)) return { ended_by: 'reset', error: code }
  return { ended_by: 'error', error: code }
}

/** How a connection ended that was found closed without the server telling: what its own stream remembers. */
export function endingOfClosed(socket: { errored: Error | null; readableEnded: boolean }): Ending {
  const { code, message, syscall }: NodeJS.ErrnoException = socket.errored ?? HANG_UP
  const { readableEnded: clientEnded } = socket
  return endingOf({ code, message, syscall, clientEnded, unauthorized: undefined, tlsVersion: undefined })
}

/** Node's name for a socket that closed before its handshake was done, without any error. */
function isHangUp({ code, syscall, message }: Failure): boolean {
  return code === HANG_UP.code && syscall === undefined && message === HANG_UP.message
}

function hangUp({ unauthorized, clientEnded }: Failure): Ending {
  // Node lets any client certificate through OpenSSL and closes without an alert when it does not like it.
  if (unauthorized !== undefined) return { ended_by: 'error', error: unauthorized }
  return clientEnded ? { ended_by: 'fin' } : { ended_by: 'error', error: SERVER_CLOSED }
}
