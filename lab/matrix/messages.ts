import type { Pair } from './certificates.ts'

/** What the server of a scenario is. */
export type ServerOrders = {
  pair: Pair
  port: number
  /** Where the ingest in the namespace listens, on its loopback. */
  ingestPort: number
  /** The server's deadline for a handshake, ms. */
  handshakeTimeout: number
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  ciphers?: string
  /** The authority that clients' certificates must be of; without it none is asked for. */
  clientCa?: string
  /** How long the server takes to choose its certificate, ms. */
  slowness?: number
}

export type CaptureOrders = {
  device: string
  port: number
  /** URL of the ingest in the namespace. */
  ingest: string
  handshakeTimeout: number
}

export const CLIENT_KINDS = [
  'node',
  'openssl',
  'silent',
  'leaves',
  'resets',
  'http',
  'half-hello',
  'slow',
  'too-slow',
] as const
export type ClientKind = (typeof CLIENT_KINDS)[number]

/** How a client comes. */
export type Attempt = {
  kind: ClientKind
  from: string
  to: string
  port: number
  serverName: string
  /** Whom it trusts, PEM file; it checks the certificate always. */
  ca: string
  /** Application protocols offered: many make a large ClientHello. */
  protocols: readonly string[]
  maxVersion?: 'TLSv1.2'
  ciphers?: string
  pair?: Pair
  /** ms until it gives up. */
  patience: number
}

export type ClientOrders = { attempts: readonly Attempt[] }

export type ServerMessage =
  | { kind: 'listening' }
  | { kind: 'batch'; agent: string; body: string }
  | { kind: 'stopped' }
export type ClientMessage = { kind: 'done' }

/** The orders, in the program: the lab gives them as the last argument. */
export function orders<T>(): T {
  // Written by the lab itself, from the same type.
  return JSON.parse(process.argv.at(-1) ?? '') as T
}

export function tell(message: ServerMessage | ClientMessage): void {
  // When the lab is gone there is nobody to tell, and 'disconnect' ends the program.
  process.send?.(message, undefined, undefined, () => {})
}
