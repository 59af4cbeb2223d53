import type { ClosedEvent, DecidingEvent } from '../../core/event/event.ts'
import { cipherName } from './ciphers.ts'
import { FilteredStream } from './filtered-stream.ts'
import { mayBeProxyHeader, ProxyHeaderReader } from './proxy-header.ts'
import { addressesOf, type Segment } from './segment.ts'
import { Side } from './side.ts'
import { type Direction, Stream, type StreamFacts } from './stream.ts'
import type { TlsFacts } from './tls-reader.ts'

/**
 * What ended a handshake where no alert and no packet says it in the contract's words; read by the enricher.
 * `capture_…`: what kept the capture from knowing.
 */
export const CAPTURE_ERRORS = [
  'capture_ended',
  'capture_loss',
  'capture_one_sided',
  'capture_without_hello',
  'capture_cut',
  'syn_only',
  'server_closed',
  'server_not_tls',
  'client_encrypted_alert',
  'server_encrypted_alert',
] as const
type CaptureError = (typeof CAPTURE_ERRORS)[number]

type Ending = Pick<ClosedEvent, 'ended_by' | 'error' | 'alert' | 'alert_side'>

/** An alert in TLS 1.3, once keys are there: two bytes, the type, and a tag (RFC 8446 section 5.2). */
const HIDDEN_ALERT = 19
const FATAL = 2
/** No server's deadline for a handshake is shorter. */
const DEADLINE_MS = 3_000
/** Timestamps take so much of each segment (RFC 7323). */
const TIMESTAMPS_BYTES = 12
/** A SYN is said once more after a second (RFC 6298 section 2). */
const SYN_REPEATED_MS = 1_500
const HELLO_REPEATED_MS = 1_000
/** Both sides wait a second before they repeat a SYN (RFC 6298 section 2): what comes so soon is the same packet, seen twice. */
const SEEN_TWICE_MS = 100
const USUAL_MSS = 1_460
const MAX_U32 = 0xffff_ffff

export type FlowSettings = {
  /** Names it for all time. */
  id: string
  /** Whether the first segment came from who opened the connection. */
  client: boolean
  site: string | undefined
  /** Whether the capture was made with `captureFilter`. */
  filtered: boolean
}

/** One connection, from the first packet seen of it until its handshake is decided. */
export class Flow {
  readonly #id: string
  readonly #site: string | undefined
  readonly #filtered: boolean
  readonly #clientIsFirst: boolean
  readonly #source: { address: string; port: number }
  readonly #destination: { address: string; port: number }
  readonly #inward = new Side()
  readonly #outward = new Side()
  #proxy: ProxyHeaderReader | undefined
  #clientSpoke = false
  /** Whether it began before the capture did. */
  readonly #midway: boolean
  readonly #firstSequence: number
  #openedAt: number
  #answeredAt: number | undefined
  #answerSequence = 0
  #lastAnswerAt = 0
  /** SYN-ACKs; a kernel counts those after the first with its resends. */
  #answers = 1
  #established = false
  #rttUs: number | undefined
  #helloSegments = 0
  #retrans = 0
  #outSegments = 0
  #finishedAt: number | undefined
  #finishedRecord = -1
  #hiddenAtFinish = 0
  #mayBeRefused = false
  /** A reset out of its place, which counts unless its side goes on. */
  #reset: { by: Side; at: number; ending: Ending } | undefined

  constructor(first: Segment, { id, client, site, filtered }: FlowSettings) {
    const addresses = addressesOf(first)
    const sender = { address: addresses.source, port: first.sourcePort }
    const receiver = { address: addresses.destination, port: first.destinationPort }
    this.#id = id
    this.#site = site
    this.#filtered = filtered
    this.#clientIsFirst = first.byFirst === client
    this.#source = client ? sender : receiver
    this.#destination = client ? receiver : sender
    this.#midway = !first.syn
    this.#firstSequence = first.syn && first.ack ? (first.acknowledged - 1) >>> 0 : first.sequence
    this.#openedAt = first.at
  }

  get openedAt(): number {
    return this.#openedAt
  }

  /** Number of the SYN, by which its repeats are known. */
  get firstSequence(): number {
    return this.#firstSequence
  }

  /** What is shown of it besides the event. */
  get ja4(): string | undefined {
    return this.#inward.cut ? undefined : this.#inward.tls.facts.clientHello?.ja4
  }

  /** Takes a segment of either side; an event when that decides it. */
  push(segment: Segment): DecidingEvent | undefined {
    const fromClient = segment.byFirst === this.#clientIsFirst
    const own = fromClient ? this.#inward : this.#outward
    const other = fromClient ? this.#outward : this.#inward
    if (segment.syn) {
      this.#greet(segment, own, fromClient)
      if (segment.length === 0) return undefined
      // TCP Fast Open: its data follows the SYN, which has a number of its own (RFC 7413).
      segment.sequence = (segment.sequence + 1) >>> 0
    }
    own.stream ??= fromClient ? new Stream(segment.sequence) : this.#outwardFrom(segment.sequence)
    if (segment.ack && other.stream !== undefined) {
      const { gaps } = other.stream
      other.stream.acknowledge(segment.acknowledged, segment.sacks)
      if (other.stream.gaps > gaps) other.tls.skip()
    }
    if (fromClient && segment.ack && !segment.syn) this.#establish(segment.at)
    this.#read(own, segment, fromClient)
    return this.#decide(segment, fromClient)
  }

  /**
   * Whether this segment belongs to another connection of the same ports: a SYN of another number where none was answered, or
   * the answer to one. Where one was answered, the server asks first (RFC 5961 section 4).
   */
  isSucceededBy({ syn, ack, byFirst, sequence, acknowledged }: Segment): boolean {
    if (!syn || (!ack && byFirst !== this.#clientIsFirst)) return false
    if (!ack) return this.#midway || (this.#answeredAt === undefined && sequence !== this.#firstSequence)
    // With TCP Fast Open the SYN's data is acknowledged, too.
    const beyond = (acknowledged - this.#firstSequence) | 0
    return !this.#midway && byFirst !== this.#clientIsFirst && (beyond < 1 || beyond > USUAL_MSS + 1)
  }

  /** Its ports were used again, so the client is gone. */
  leave(at: number): DecidingEvent {
    if (this.#finishedAt !== undefined) return this.#completed(this.#finishedAt)
    if (this.#midway) return this.end('capture_ended', at)
    return this.#failed(at, this.#established ? { ended_by: 'reset' } : error('syn_only'))
  }

  /** Decides what nothing decided: its time is up, or the capture ends. */
  end(why: 'timeout' | 'capture_ended', at: number): DecidingEvent {
    const isEnd = why === 'capture_ended'
    const isOpen = isEnd && this.#mayBeRefused
    if (this.#finishedAt !== undefined && !isOpen && this.#isDone()) return this.#completed(this.#finishedAt)
    if (this.#reset !== undefined) return this.#failed(this.#reset.at, this.#reset.ending)
    if (this.#filtered && !this.#established) this.#established = this.#wasAcknowledged(at)
    const known = this.#established || (this.#inward.stream?.facts.bytes ?? 0) > 0
    const mayFollow = known || at - this.#openedAt < SYN_REPEATED_MS
    if (isEnd) return this.#failed(at, error(mayFollow ? 'capture_ended' : 'syn_only'))
    return this.#failed(at, known || this.#midway ? { ended_by: 'timeout' } : error('syn_only'))
  }

  #greet(segment: Segment, own: Side, fromClient: boolean): undefined {
    if (own.stream !== undefined) {
      if (!fromClient) this.#answerAgain(segment)
      return
    }
    own.stream = fromClient ? new Stream(segment.sequence + 1) : this.#outwardFrom(segment.sequence + 1)
    own.mss = segment.mss
    own.timestamps = segment.timestamps
    if (fromClient) this.#openedAt = segment.at
    else {
      this.#answeredAt = segment.at
      this.#lastAnswerAt = segment.at
      this.#answerSequence = segment.sequence
    }
  }

  /** A capture of all interfaces may see each packet more than once. */
  #answerAgain({ sequence, at }: Segment): void {
    if (this.#answeredAt === undefined || sequence !== this.#answerSequence) return
    if (at - this.#lastAnswerAt < SEEN_TWICE_MS) return
    this.#lastAnswerAt = at
    this.#answers += 1
  }

  /** The filter leaves much out of what the server sends, and all acknowledgements that the client sends for it. */
  #outwardFrom(start: number): Direction {
    return this.#filtered ? new FilteredStream(start) : new Stream(start)
  }

  #establish(at: number): void {
    if (!this.#established && this.#answeredAt !== undefined && this.#isRoundTrip(at - this.#answeredAt))
      this.#rttUs = Math.min(MAX_U32, Math.max(1, Math.round((at - this.#answeredAt) * 1000)))
    this.#established = true
  }

  /**
   * Nobody knows which of two SYNs is acknowledged (Karn's algorithm, RFC 6298 section 3). Where the filter left the ACK out
   * the round trip is that of the ClientHello, which may have been lost once when it takes a second.
   */
  #isRoundTrip(ms: number): boolean {
    return this.#answers === 1 && (!this.#filtered || ms < HELLO_REPEATED_MS)
  }

  /** The filter leaves the ACK of the SYN out; without it the server would have said its SYN once more. */
  #wasAcknowledged(at: number): boolean {
    return this.#answeredAt !== undefined && this.#answers === 1 && at - this.#answeredAt > SYN_REPEATED_MS
  }

  #read(own: Side, segment: Segment, fromClient: boolean): void {
    const stream = own.stream
    if (stream === undefined || segment.length === 0) return
    const { gaps } = stream
    const { segments, repeated } = stream.facts
    const had = own.tls.facts.clientHello !== undefined
    // A segment of which the capture kept too little would put the rest out of step: zeros hold its place.
    const whole = segment.payload.length === segment.length
    if (!whole) own.cut = true
    if (this.#reset?.by === own) this.#reset = undefined
    const payload = whole ? segment.payload : Buffer.concat([segment.payload], segment.length)
    const bytes = stream.push(segment.sequence, payload, segment.length, segment.at)
    if (stream.gaps > gaps) own.tls.skip()
    const { alert } = own.tls.facts
    own.tls.push(fromClient ? this.#withoutProxyHeader(bytes) : bytes)
    // An alert of zeros is none.
    if (!whole) own.tls.facts.alert = alert
    // The same packet, seen twice.
    if (stream.facts.segments === segments) return
    const isFresh = stream.facts.repeated === repeated
    if (fromClient && !had && isFresh) this.#helloSegments += 1
    if (fromClient) return
    this.#outSegments += 1
    if (!isFresh) this.#retrans += 1
  }

  #withoutProxyHeader(bytes: Buffer): Buffer {
    if (this.#proxy === undefined && (this.#clientSpoke || !mayBeProxyHeader(bytes))) {
      this.#clientSpoke ||= bytes.length > 0
      return bytes
    }
    this.#proxy ??= new ProxyHeaderReader()
    return this.#proxy.after(bytes)
  }

  #decide(segment: Segment, fromClient: boolean): DecidingEvent | undefined {
    const verdict = this.#decideTls(segment.at)
    if (verdict !== undefined) return verdict
    const own = fromClient ? this.#inward : this.#outward
    if (segment.fin) own.fin ??= segment.sequence + segment.length
    // A FIN beyond a gap: what is missing may still come, and the rest is for the deadline to say.
    const isOver = own.fin !== undefined && own.stream?.isBeyondGap(own.fin) === false
    if (!segment.rst && !isOver) return undefined
    if (this.#finishedAt !== undefined && this.#isDone()) return this.#completed(this.#finishedAt)
    const ending = fromClient
      ? ({ ended_by: segment.rst ? 'reset' : 'fin' } as const)
      : this.#serverClosed(segment.at)
    if (isOver || own.stream?.isDue(segment.sequence) === true) return this.#failed(segment.at, ending)
    // Who gets it does not believe it, but asks (RFC 5961 section 3): it may be forged.
    this.#reset = { by: own, at: segment.at, ending }
    return undefined
  }

  /** What the server said to the client's certificate may be what the capture lacks. */
  #isDone(): boolean {
    const { cut, stream } = this.#outward
    return !this.#mayBeRefused || (!cut && stream?.facts.captureLoss !== true)
  }

  /** A server that gives up after seconds does so because its own deadline has passed. */
  #serverClosed(at: number): Ending {
    return at - this.#openedAt < DEADLINE_MS ? error('server_closed') : { ended_by: 'timeout' }
  }

  #decideTls(at: number): DecidingEvent | undefined {
    const [client, server] = [this.#inward.tls.facts, this.#outward.tls.facts]
    if (client.notTls !== undefined && !this.#inward.cut) return this.#failed(at, notTls(client.notTls))
    // A server that speaks first does not answer a ClientHello: what the client says then tells.
    const asked = (client.clientHello ?? client.announced) !== undefined
    if (server.notTls !== undefined && asked && !this.#outward.cut)
      return this.#failed(at, error('server_not_tls'))
    if (this.#finishedAt === undefined) {
      const refused = refusal(client, 'client') ?? refusal(server, 'server')
      if (refused !== undefined) return this.#failed(at, refused)
    }
    return server.serverHello?.version === 'TLSv1.3' ? this.#decide13(at) : this.#decide12(at)
  }

  #decide12(at: number): DecidingEvent | undefined {
    return this.#inward.tls.facts.finished && this.#outward.tls.facts.finished
      ? this.#completed(at)
      : undefined
  }

  /**
   * All but the hellos is hidden: what is known is who sent records, and how long. The client's Finished is not the end
   * yet, since the server may refuse its certificate: so the next record tells.
   */
  #decide13(at: number): DecidingEvent | undefined {
    const [client, server] = [this.#inward.tls.facts.hidden, this.#outward.tls.facts.hidden]
    if (server.length === 0) return undefined
    const early = this.#inward.tls.facts.clientHello?.earlyData === true
    if (client.length === 0 || (early && !client.some(isFinished))) return undefined
    // A certificate may come in records of its own before; where none is of a Finished's length, it lies within the last.
    const place = client.findIndex(isFinished)
    if (place < 0 && client.at(-1) === HIDDEN_ALERT) return this.#failed(at, error('client_encrypted_alert'))
    const finished = place < 0 ? client.length - 1 : place
    if (finished !== this.#finishedRecord) {
      this.#finishedRecord = finished
      this.#finishedAt = at
      this.#hiddenAtFinish = server.length
    }
    // What is refused then is the client's certificate. Without one that is how a server says that it closes.
    this.#mayBeRefused = place !== 0 && !early
    const next = server[this.#hiddenAtFinish]
    if (this.#mayBeRefused && next === HIDDEN_ALERT && server.length === this.#hiddenAtFinish + 1) {
      return this.#failed(at, error('server_encrypted_alert'))
    }
    const more = place >= 0 && client.length > place + 1
    return next !== undefined || more ? this.#completed(this.#finishedAt ?? at) : undefined
  }

  #completed(at: number): DecidingEvent {
    return this.#eventOf(at, 'active', {})
  }

  #failed(at: number, ending: Ending): DecidingEvent {
    const blind = this.#blindness()
    const known =
      blind === undefined || ending.ended_by === 'alert' || ending.error?.startsWith('capture_') === true
    return this.#eventOf(at, 'closed', known ? ending : error(blind))
  }

  /** Why the capture cannot know: a hole in it looks like a hole in the path. */
  #blindness(): CaptureError | undefined {
    const [into, out] = [this.#inward.stream?.facts, this.#outward.stream?.facts]
    if (into?.captureLoss === true || out?.captureLoss === true) return 'capture_loss'
    const isOneSided = out === undefined && this.#answeredAt === undefined
    if (isOneSided && into !== undefined && into.segments > 0) return 'capture_one_sided'
    const { clientHello, announced } = this.#inward.tls.facts
    if (this.#midway && (clientHello ?? announced) === undefined) return 'capture_without_hello'
    if (out === undefined || out.sent === 0) return undefined
    if (this.#inward.cut || this.#outward.cut) return 'capture_cut'
    return this.#filtered && this.#lacksAnswer() ? 'capture_loss' : undefined
  }

  /** What the filter lets through of a server's answer and is not there: its hello, and its Finished after the client's. */
  #lacksAnswer(): boolean {
    const { serverHello, notTls: text, finished } = this.#outward.tls.facts
    return text === undefined && (serverHello === undefined || (this.#inward.tls.facts.finished && !finished))
  }

  /**
   * One literal with a place for every field, those that are not known left undefined: spreading the known ones together
   * took a third of the time of reading a capture. Of TCP it has what the server's kernel would say, by what was seen: the
   * filter leaves segments out, but not how far they went.
   */
  #eventOf(at: number, state: DecidingEvent['state'], ending: Partial<Ending>): DecidingEvent {
    this.#outward.stream?.settle(at)
    const { clientHello, announced } = this.#inward.tls.facts
    const isWhole = !this.#inward.cut
    const isKnown = state === 'active' && !this.#outward.cut
    const serverHello = isKnown ? this.#outward.tls.facts.serverHello : undefined
    // Anyone can say so; a server that believes it goes on with the handshake.
    const isProxied = this.#outward.tls.facts.serverHello !== undefined
    const source = (isProxied ? this.#proxy?.source : undefined) ?? this.#source
    const [into, out] = [this.#inward.stream?.facts, this.#outward.stream?.facts]
    const { unacked = 0, sacked = 0, acknowledged = 0 } = out ?? {}
    const sent = out === undefined ? 0 : reached(out, out.sent)
    // Where the capture lacks some of it nobody knows in how many it came, but come it has.
    const begun = into?.captureLoss === true ? undefined : announced
    const timestamps = this.#inward.timestamps && this.#outward.timestamps ? TIMESTAMPS_BYTES : 0
    const mss = Math.max(0, (this.#inward.mss ?? USUAL_MSS) - timestamps)
    return {
      v: 1,
      id: this.#id,
      state,
      opened_at: Math.min(Math.round(this.#openedAt), Math.round(at)),
      decided_at: Math.round(at),
      site: this.#site,
      source_address: source.address,
      source_port: source.port,
      destination_address: this.#destination.address,
      destination_port: this.#destination.port,
      server_name: isWhole ? printable(clientHello?.serverName) : undefined,
      tls_version: serverHello?.version,
      cipher: serverHello === undefined ? undefined : cipherName(serverHello.cipher),
      ended_by: ending.ended_by,
      error: ending.error,
      alert: ending.alert,
      alert_side: ending.alert_side,
      hello_bytes: clientHello?.bytes ?? begun,
      hello_segments: clientHello === undefined ? begun && 0 : this.#helloSegments,
      hello_post_quantum: isWhole ? clientHello?.postQuantum : undefined,
      bytes_in: into === undefined ? 0 : Math.max(0, reached(into, into.bytes) - (this.#proxy?.bytes ?? 0)),
      bytes_out: sent,
      tcp_rtt_us: this.#rttUs,
      tcp_mss: mss,
      tcp_segs_in: into?.segments ?? 0,
      tcp_segs_out: Math.max(this.#outSegments, this.#retrans + Math.ceil(sent / (mss || USUAL_MSS))),
      tcp_ooo: into?.outOfOrder ?? 0,
      tcp_bytes_acked: Math.max(0, acknowledged),
      tcp_unacked: unacked,
      tcp_sacked: sacked,
      tcp_lost: this.#retrans > 0 ? Math.max(0, unacked - sacked) : 0,
      tcp_retrans: this.#retrans + this.#answers - 1,
    } as DecidingEvent
  }
}

/** What was acknowledged has arrived, whether it was captured or not. */
function reached({ captureLoss, acknowledged }: StreamFacts, seen: number): number {
  return captureLoss ? Math.max(seen, acknowledged) : seen
}

/** A server name that the contract has room for. */
function printable(name: string | undefined): string | undefined {
  return name === undefined || name.length > 255 || /\p{Cc}/u.test(name) ? undefined : name
}

function refusal({ alert }: TlsFacts, side: 'client' | 'server'): Ending | undefined {
  if (alert?.level !== FATAL) return undefined
  return { ended_by: 'alert', alert: alert.description, alert_side: side }
}

function error(name: CaptureError): Ending {
  return { ended_by: 'error', error: name }
}

/** In the words of OpenSSL, as an agent in a server reports them. */
function notTls(what: 'http' | 'other'): Ending {
  return {
    ended_by: 'error',
    error: what === 'http' ? 'ERR_SSL_HTTP_REQUEST' : 'ERR_SSL_WRONG_VERSION_NUMBER',
  }
}

/** Finished of a SHA-256 or SHA-384 suite, with its header, type and tag. */
function isFinished(length: number): boolean {
  return length === 53 || length === 69
}
