import type { ClientProgram } from './handshake.ts'
import type { Size } from './hello.ts'

/** What the lab tells its two programs at their start, and what they tell it. */
export type ServerOrders = {
  /** Files with the server's key and certificate, PEM. */
  key: string
  cert: string
  port: number
  /** Unix socket that leads to the ingest. */
  relay: string
  token?: string
  /** ms. */
  handshakeTimeout: number
}

export type ClientOrders = {
  targets: { ipv4: string; ipv6: string }
  port: number
  serverName: string
  /** File with the certificate to trust, PEM. */
  ca: string
  /** Prefixes to visit from: /24 and /48. */
  prefixes: { ipv4: string; ipv6: string }
  visitsPerSecond: number
  /** ms until a client gives up. */
  patience: number
}

export type ServerMessage = { kind: 'listening' } | { kind: 'stopped'; delivered: number }
export type ClientMessage = { kind: 'visit'; program: ClientProgram; size: Size; ok: boolean }

/** The orders, in the program: the lab gives them as the last argument. */
export function orders<T>(): T {
  // Written by the lab itself, from the same type.
  return JSON.parse(process.argv.at(-1) ?? '') as T
}

export function tell(message: ServerMessage | ClientMessage): void {
  // When the lab is gone there is nobody to tell, and 'disconnect' ends the program.
  process.send?.(message, undefined, undefined, () => {})
}
