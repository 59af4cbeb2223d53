import type { Socket } from 'node:net'
import { type ConnectionFacts, EVENT_VERSION, type TcpFacts } from '../../core/event/event.ts'
import type { State } from '../../core/event/fields.ts'
import type { RawSocket } from './tls-socket.ts'

/** A connection whose handshake is not decided yet, with what will not be known any more once it failed. */
export type Connection = {
  readonly socket: RawSocket
  readonly id: string
  /** Date of the accept, ms since 1970. */
  readonly openedAt: number
  /** The same on the steady clock, ms. */
  readonly since: number
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly destinationAddress: string
  readonly destinationPort: number
  /** What the kernel knew of it at the latest look. */
  tcp: TcpFacts | undefined
  /** How many of the kernel looks it was due for it has had. */
  looks: number
  /** Whether the socket was found closed by the latest round, with nobody having said so. */
  gone: boolean
  /** Whether its deadline passed: whatever is told of its end after that is our own doing. */
  overdue: boolean
}

/** "The absence of an address" (RFC 4291, section 2.5.2): a stream that has none, or whose peer was gone at accept. */
const NO_ADDRESS = '::'

export function createConnection(socket: RawSocket, id: string, openedAt: number, since: number): Connection {
  return {
    socket,
    id,
    openedAt,
    since,
    sourceAddress: socket.remoteAddress ?? NO_ADDRESS,
    sourcePort: socket.remotePort ?? 0,
    destinationAddress: socket.localAddress ?? NO_ADDRESS,
    destinationPort: socket.localPort ?? 0,
    tcp: undefined,
    looks: 0,
    gone: false,
    overdue: false,
  }
}

/**
 * Begins an event with what every event of this connection bears; byte counts are those of the moment. It is filled in by assignment and not put together from parts: object spread costs more than all
 * else the agent does for a handshake.
 */
export function beginEvent<S extends State>(connection: Connection, state: S, site: string | undefined) {
  const { socket, tcp } = connection
  const event: ConnectionFacts & { state: S } = {
    v: EVENT_VERSION,
    id: connection.id,
    state,
    opened_at: connection.openedAt,
    source_address: connection.sourceAddress,
    source_port: connection.sourcePort,
    destination_address: connection.destinationAddress,
    destination_port: connection.destinationPort,
    bytes_in: socket.bytesRead ?? 0,
    bytes_out: socket.bytesWritten ?? 0,
  }
  if (site !== undefined) event.site = site
  if (tcp !== undefined) Object.assign(event, tcp)
  return event
}

/** Whether this TLS socket's peer is the connection's: the way to tell when Node does not name the socket under it. */
export function isPeer(connection: Connection, socket: Socket): boolean {
  return (
    connection.sourcePort === socket.remotePort &&
    connection.sourceAddress === socket.remoteAddress &&
    connection.destinationPort === socket.localPort
  )
}
