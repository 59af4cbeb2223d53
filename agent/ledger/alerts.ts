/**
 * TLS alerts (RFC 8446, section 6) as they show in OpenSSL's errors.
 */

/**
 * The alert our side sent, by the error it ran into: where OpenSSL (3.0 to 3.6, `SSLfatal(alert, reason)` in `ssl/`)
 * sends one and the same alert for a reason, and the reason is one of two honest sides not agreeing or of a damaged
 * handshake. Errors of what was no TLS at all (`HTTP_REQUEST`, `WRONG_VERSION_NUMBER`, `UNEXPECTED_MESSAGE`, …) are
 * left out on purpose: they stay errors, whether or not OpenSSL threw an alert after them.
 */
const SERVER_ALERTS: Record<string, number> = {
  // 20 bad_record_mac
  ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: 20,
  // 40 handshake_failure
  ERR_SSL_DH_KEY_TOO_SMALL: 40,
  ERR_SSL_INCONSISTENT_EXTMS: 40,
  ERR_SSL_NO_SHARED_CIPHER: 40,
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 40,
  // 109 instead when the hello bears no key share at all.
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 40,
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 40,
  ERR_SSL_RENEGOTIATION_MISMATCH: 40,
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: 40,
  ERR_SSL_UNSUPPORTED_ELLIPTIC_CURVE: 40,
  // 47 illegal_parameter
  ERR_SSL_BAD_KEY_SHARE: 47,
  ERR_SSL_BINDER_DOES_NOT_VERIFY: 47,
  ERR_SSL_WRONG_CURVE: 47,
  // 51 decrypt_error
  ERR_SSL_BAD_SIGNATURE: 51,
  ERR_SSL_DIGEST_CHECK_FAILED: 51,
  // 70 protocol_version
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 70,
  ERR_SSL_UNKNOWN_PROTOCOL: 70,
  ERR_SSL_UNSUPPORTED_PROTOCOL: 70,
  ERR_SSL_VERSION_TOO_LOW: 70,
  ERR_SSL_WRONG_SSL_VERSION: 70,
  // 71 insufficient_security
  ERR_SSL_INSUFFICIENT_SECURITY: 71,
  // 86 inappropriate_fallback
  ERR_SSL_INAPPROPRIATE_FALLBACK: 86,
  // 109 missing_extension
  ERR_SSL_MISSING_PSK_KEX_MODES_EXTENSION: 109,
  ERR_SSL_MISSING_SIGALGS_EXTENSION: 109,
  ERR_SSL_MISSING_SUPPORTED_GROUPS_EXTENSION: 109,
  // 115 unknown_psk_identity
  ERR_SSL_PSK_IDENTITY_NOT_FOUND: 115,
  // 116 certificate_required, new in TLS 1.3; before it was 40 (see serverAlert)
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 116,
  // 120 no_application_protocol
  ERR_SSL_NO_APPLICATION_PROTOCOL: 120,
}

export const PROTOCOL_VERSION_ALERT = 70

/** The number of the alert this error made our side send, undefined when it is not known to send one. */
export function serverAlert(code: string, tlsVersion: string | undefined): number | undefined {
  const alert = SERVER_ALERTS[code]
  if (alert === 116 && tlsVersion !== 'TLSv1.3') return 40
  return alert
}

/** OpenSSL's reason for an alert received: 1000 + the alert's number (`SSL_AD_REASON_OFFSET`). */
const ALERT_REASONS = 1000
/** The library's number in an OpenSSL 3 error code, `ERR_LIB_SSL`, above 23 bits of reason. */
const SSL_LIBRARY = 20

/**
 * The number of the fatal alert the client sent, from the text of an OpenSSL error
 * (`…:error:0A000418:SSL routines:…`: library 20, reason 1048, alert 48). Undefined when it is none.
 */
export function clientAlert(message: string): number | undefined {
  const hex = /\berror:([0-9A-F]{8}):/.exec(message)?.[1]
  if (hex === undefined) return undefined
  const packed = Number.parseInt(hex, 16)
  const alert = (packed & 0x7f_ffff) - ALERT_REASONS
  return packed >>> 23 === SSL_LIBRARY && alert >= 0 && alert <= 255 ? alert : undefined
}
