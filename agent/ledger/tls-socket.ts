import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { TLS_VERSIONS, type TlsVersion } from '../../core/event/fields.ts'
import { PROTOCOL_VERSION_ALERT } from './alerts.ts'
import type { Ending, Failure } from './ending.ts'

/** What the agent reads of an accepted socket; a stream handed in by the application may have none of it. */
export type RawSocket = Duplex & {
  remoteAddress?: string | undefined
  remotePort?: number | undefined
  localAddress?: string | undefined
  localPort?: number | undefined
  bytesRead?: number
  bytesWritten?: number
}

/** Facts of a TLS session, only those that were settled. */
export type TlsFacts = { server_name?: string; tls_version?: TlsVersion; cipher?: string; alpn?: string }

/**
 * Node says nowhere in public which accepted socket a TLS socket stands on. These fields do, since Node 0.12;
 * where they are missing the ledger falls back on the peer's address and port.
 */
type Internals = {
  _parent?: unknown
  ssl?: { _parentWrap?: { stream?: unknown }; getServername?: () => unknown } | null
}

/** The socket that was accepted, undefined when Node does not tell. */
export function rawSocketOf(socket: TLSSocket): object | undefined {
  const internals = socket as unknown as Internals
  const raw = internals._parent ?? internals.ssl?._parentWrap?.stream
  return typeof raw === 'object' && raw !== null ? raw : undefined
}

/** Adds the facts of a completed handshake. Call it before anything else can have destroyed the socket. */
export function addSettledFacts(facts: TlsFacts, socket: TLSSocket): void {
  // getCipher() and getProtocol() crash the process on a socket whose session is gone (Node 20.20).
  if (!isAlive(socket)) return
  const version = versionOf(socket)
  if (version !== undefined) facts.tls_version = version
  const cipher = socket.getCipher()?.standardName
  if (cipher !== undefined) facts.cipher = cipher
  if (typeof socket.alpnProtocol === 'string') facts.alpn = socket.alpnProtocol
  addServerName(facts, serverNameOf(socket))
}

/** Adds the facts a handshake had come to when it failed with this ending. */
export function addFactsOnFailure(facts: TlsFacts, socket: TLSSocket, ending: Ending): void {
  addServerName(facts, serverNameOf(socket))
  // Until a version is settled OpenSSL names the highest it knows; an alert of ours other than "no version" comes
  // after that, one of the client's answers our hello.
  const settled = ending.ended_by === 'alert' && ending.alert !== PROTOCOL_VERSION_ALERT
  const version = settled && isAlive(socket) ? versionOf(socket) : undefined
  if (version !== undefined) facts.tls_version = version
}

/** What `tlsClientError` tells, as far as it can be asked of the socket. */
export function failureOf(error: unknown, socket: TLSSocket): Failure {
  const { code, message, syscall } = (error ?? {}) as NodeJS.ErrnoException
  const unauthorized: unknown = socket.authorizationError
  return {
    code: typeof code === 'string' ? code.slice(0, 128) : undefined,
    message: typeof message === 'string' ? message : '',
    syscall,
    clientEnded: socket.readableEnded,
    unauthorized: typeof unauthorized === 'string' ? unauthorized : undefined,
    tlsVersion: isAlive(socket) ? versionOf(socket) : undefined,
  }
}

/** Whether the TLS session behind the socket still exists. `destroyed` does not say: it is set before. */
function isAlive(socket: TLSSocket): boolean {
  const { ssl } = socket as unknown as Internals
  return ssl !== null && ssl !== undefined
}

function versionOf(socket: TLSSocket): TlsVersion | undefined {
  const version = socket.getProtocol()
  return TLS_VERSIONS.find((known) => known === version)
}

/** The server name asked for. Node fills `servername` in at the end of a handshake, the session knows it before. */
function serverNameOf(socket: TLSSocket): unknown {
  const filled: unknown = (socket as { servername?: unknown }).servername
  return typeof filled === 'string' ? filled : (socket as unknown as Internals).ssl?.getServername?.()
}

/** The client chose the name: one the contract would refuse is left out, not the event lost. */
function addServerName(facts: TlsFacts, name: unknown): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= 255 && !/\p{Cc}/u.test(name)) {
    facts.server_name = name
  }
}
