import { mayBeProxyHeader, ProxyHeaderReader } from './proxy-header.ts'
import type { Segment } from './segment.ts'
import type { Direction } from './stream.ts'
import { TlsReader } from './tls-reader.ts'

/** One side of a connection, as far as it was captured. */
export class Side {
  stream: Direction | undefined
  readonly tls = new TlsReader()
  /** What a load balancer said before the client did. */
  proxy: ProxyHeaderReader | undefined
  mss: number | undefined
  timestamps = false
  /** Whether the capture kept too little of a packet: zeros stand in its place. */
  cut = false
  /** Number of the FIN. */
  fin: number | undefined
  #spoke: boolean

  constructor(by: 'client' | 'server') {
    this.#spoke = by === 'server'
  }

  /** Reads what a segment carries, and says whether it is new or was sent again; undefined for a packet captured twice. */
  read({ sequence, payload, length, at }: Segment): 'new' | 'again' | undefined {
    const { stream, tls } = this
    if (stream === undefined) return undefined
    const { gaps } = stream
    const { segments, repeated } = stream.facts
    // A segment of which the capture kept too little would put the rest out of step: zeros hold its place.
    const isWhole = payload.length === length
    if (!isWhole) this.cut = true
    const bytes = stream.push(sequence, isWhole ? payload : Buffer.concat([payload], length), length, at)
    if (stream.gaps > gaps) tls.skip()
    const { alert } = tls.facts
    tls.push(this.#withoutProxyHeader(bytes))
    // An alert of zeros is none.
    if (!isWhole) tls.facts.alert = alert
    if (stream.facts.segments === segments) return undefined
    return stream.facts.repeated === repeated ? 'new' : 'again'
  }

  #withoutProxyHeader(bytes: Buffer): Buffer {
    if (this.proxy !== undefined) return this.proxy.after(bytes)
    if (this.#spoke || bytes.length === 0) return bytes
    this.#spoke = true
    if (!mayBeProxyHeader(bytes)) return bytes
    this.proxy = new ProxyHeaderReader()
    return this.proxy.after(bytes)
  }
}
