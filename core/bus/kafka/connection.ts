import { Kafka, type KafkaConfig, type logCreator, logLevel, type SASLOptions } from 'kafkajs'
import type { Logger } from '../../runtime/log.ts'

/** How to reach Kafka. */
export type KafkaConnection = {
  /** host:port of brokers to begin with; the others are learned from them. */
  brokers: readonly string[]
  clientId: string
  /** TLS with these PEM texts: whom to trust (else the system's authorities), and who we are, if asked. */
  tls?: { ca?: string; cert?: string; key?: string }
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
}

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000

/**
 * The client. Its own retries are few and short: what waits for a broker, and for how long, is decided by those
 * who use it, who can say so meanwhile.
 */
export function connectKafka(connection: KafkaConnection, log: Logger): Kafka {
  const config: KafkaConfig = {
    clientId: connection.clientId,
    brokers: [...connection.brokers],
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    logLevel: logLevel.INFO,
    logCreator: toLogger(log),
  }
  if (connection.tls !== undefined) config.ssl = { ...connection.tls }
  if (connection.sasl !== undefined) {
    const { mechanism, username, password } = connection.sasl
    // The three mechanisms take the same fields; the library's type wants each spelled out.
    config.sasl = { mechanism, username, password } as SASLOptions
  }
  return new Kafka(config)
}

/** What went wrong, as a sentence for a person who can do something about it. */
export function explainKafkaError(error: unknown, { brokers, sasl, tls }: KafkaConnection): string {
  const root = rootOf(error)
  const at = brokers.join(', ')
  switch (root.name) {
    case 'KafkaJSSASLAuthenticationError':
      return `Kafka at ${at} refused user ${sasl?.username ?? ''} (${sasl?.mechanism ?? 'no SASL'}): check user name, password and mechanism`
    case 'KafkaJSConnectionError':
    case 'KafkaJSConnectionClosedError':
    case 'KafkaJSNoBrokerAvailableError':
    case 'KafkaJSBrokerNotFound':
    case 'KafkaJSRequestTimeoutError':
      return `no Kafka broker answers at ${at} (${root.message})${hintOf(root.message, tls !== undefined)}`
    default:
      return `Kafka at ${at}: ${root.message}`
  }
}

/** Kafka's name of the error, as in UNKNOWN_MEMBER_ID; '' when the broker did not say any. */
export function kafkaErrorType(error: unknown): string {
  const root = rootOf(error)
  return 'type' in root && typeof root.type === 'string' ? root.type : ''
}

/** Retries wrap what they gave up on; the error that says something is the innermost. */
function rootOf(error: unknown): Error {
  let root = error instanceof Error ? error : new Error(String(error))
  while (root.cause instanceof Error) root = root.cause
  return root
}

function hintOf(message: string, tls: boolean): string {
  if (/certificate|self.signed/i.test(message)) return ': the certificate is not trusted; name its authority'
  if (/wrong version number|packet length/i.test(message)) return ': the listener does not speak TLS'
  if (/disconnected|closed/i.test(message) && !tls) return ': does the listener want TLS or SASL?'
  return ''
}

/** The library's log as ours. It calls every lost connection an error; here those are what is waited for. */
function toLogger(log: Logger): logCreator {
  return () =>
    ({ level, namespace, log: entry }) => {
      const { message, timestamp: _time, logger: _logger, ...about } = entry
      const text = `kafka: ${message}`
      if (level <= logLevel.WARN) log.debug({ namespace, ...about }, text)
    }
}
