/**
 * Names of the TLS alerts by number: RFC 8446, section 6, with those of older versions (RFC 5246, RFC 6066, RFC 7301).
 * Source: https://www.iana.org/assignments/tls-parameters/, "TLS Alerts".
 */
const NAMES: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  52: 'too_many_cids_requested',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  117: 'general_error',
  120: 'no_application_protocol',
  121: 'ech_required',
}

export const ALERT = { closeNotify: 0, internalError: 80, userCanceled: 90 } as const

/** About the certificate of the side that received the alert. */
const ABOUT_CERTIFICATE = new Set([41, 42, 43, 44, 45, 46, 48, 49, 111, 113, 114, 116])
/** The bytes did not survive the way: what decrypts or parses to nonsense was sent sound. */
const BYTES_CHANGED = new Set([20, 21, 50, 51])

export function alertName(alert: number): string {
  return NAMES[alert] ?? 'unassigned'
}

/** What an alert is about, in words, or '' where its name says it all. */
export function alertHint(alert: number, receiver: 'client' | 'server'): string {
  if (ABOUT_CERTIFICATE.has(alert)) return `about the ${receiver}'s certificate`
  return BYTES_CHANGED.has(alert) ? 'perhaps something on the way changed the bytes' : ''
}

/** OpenSSL's name for an alert it received, as in ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, as a number. */
export function alertFromOpensslCode(code: string): number | undefined {
  const name = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_ALERT_(\w+)$/.exec(code)?.[1]?.toLowerCase()
  if (name === undefined) return undefined
  return OPENSSL_NAMES[name] ?? NUMBERS.get(name)
}

const NUMBERS = new Map(Object.entries(NAMES).map(([number, name]) => [name, Number(number)]))
/** Where OpenSSL's word is not the RFC's. */
const OPENSSL_NAMES: Readonly<Record<string, number>> = {
  user_cancelled: 90,
  unexpected_msg: 10,
}
