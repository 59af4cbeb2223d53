import type { Direction } from './stream.ts'
import { TlsReader } from './tls-reader.ts'

/** One side of a connection, as far as it was captured. A class: made twice for each connection, it has one shape. */
export class Side {
  stream: Direction | undefined
  readonly tls = new TlsReader()
  mss: number | undefined
  timestamps = false
  /** Whether the capture kept too little of a packet: zeros stand in its place. */
  cut = false
  /** Number of the FIN. */
  fin: number | undefined
}
