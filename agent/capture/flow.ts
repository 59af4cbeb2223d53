import type { DecidingEvent } from '../../core/event/event.ts'
import { blindnessOf } from './blindness.ts'
import { type Ending, error, notTls, refusal } from './ending.ts'
import { FilteredStream } from './filtered-stream.ts'
import { eventOf, type FlowFacts, USUAL_MSS } from './flow-event.ts'
import { HiddenFinish } from './hidden-finish.ts'
import { addressesOf, type Segment } from './segment.ts'
import { Side } from './side.ts'
import { type Direction, Stream } from './stream.ts'

/** No server's deadline for a handshake is shorter. */
const DEADLINE_MS = 3_000
/** A SYN is said once more after a second (RFC 6298 section 2). */
const SYN_REPEATED_MS = 1_500
const HELLO_REPEATED_MS = 1_000
/** Both sides wait a second before they repeat a SYN (RFC 6298 section 2): what comes so soon is the same packet, seen twice. */
const ANSWER_SEEN_TWICE_MS = 100
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
  readonly #facts: FlowFacts
  readonly #filtered: boolean
  readonly #clientIsFirst: boolean
  readonly #inward = new Side('client')
  readonly #outward = new Side('server')
  readonly #finish = new HiddenFinish()
  /** Whether it began before the capture did. */
  readonly #midway: boolean
  readonly #firstSequence: number
  #answeredAt: number | undefined
  #answerSequence = 0
  #lastAnswerAt = 0
  #established = false
  /** A reset out of its place, which counts unless its side goes on. */
  #reset: { by: Side; at: number; ending: Ending } | undefined

  constructor(first: Segment, { id, client, site, filtered }: FlowSettings) {
    const addresses = addressesOf(first)
    const sender = { address: addresses.source, port: first.sourcePort }
    const receiver = { address: addresses.destination, port: first.destinationPort }
    this.#facts = {
      id,
      site,
      openedAt: first.at,
      source: client ? sender : receiver,
      destination: client ? receiver : sender,
      inward: this.#inward,
      outward: this.#outward,
      rttUs: undefined,
      helloSegments: 0,
      outSegments: 0,
      retrans: 0,
      answers: 1,
    }
    this.#filtered = filtered
    this.#clientIsFirst = first.byFirst === client
    this.#midway = !first.syn
    this.#firstSequence = first.syn && first.ack ? (first.acknowledged - 1) >>> 0 : first.sequence
  }

  get openedAt(): number {
    return this.#facts.openedAt
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
    if (this.#finish.at !== undefined) return this.#completed(this.#finish.at)
    if (this.#midway) return this.end('capture_ended', at)
    return this.#failed(at, this.#established ? { ended_by: 'reset' } : error('syn_only'))
  }

  /** Decides what nothing decided: its time is up, or the capture ends. */
  end(why: 'timeout' | 'capture_ended', at: number): DecidingEvent {
    const isEnd = why === 'capture_ended'
    const isOpen = isEnd && this.#finish.mayBeRefused
    if (this.#finish.at !== undefined && !isOpen && this.#isDone()) return this.#completed(this.#finish.at)
    if (this.#reset !== undefined) return this.#failed(this.#reset.at, this.#reset.ending)
    if (this.#filtered && !this.#established) this.#established = this.#wasAcknowledged(at)
    const known = this.#established || (this.#inward.stream?.facts.bytes ?? 0) > 0
    const mayFollow = known || at - this.#facts.openedAt < SYN_REPEATED_MS
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
    if (fromClient) this.#facts.openedAt = segment.at
    else {
      this.#answeredAt = segment.at
      this.#lastAnswerAt = segment.at
      this.#answerSequence = segment.sequence
    }
  }

  /** A capture of all interfaces may see each packet more than once. */
  #answerAgain({ sequence, at }: Segment): void {
    if (this.#answeredAt === undefined || sequence !== this.#answerSequence) return
    if (at - this.#lastAnswerAt < ANSWER_SEEN_TWICE_MS) return
    this.#lastAnswerAt = at
    this.#facts.answers += 1
  }

  /** The filter leaves much out of what the server sends, and all acknowledgements that the client sends for it. */
  #outwardFrom(start: number): Direction {
    return this.#filtered ? new FilteredStream(start) : new Stream(start)
  }

  #establish(at: number): void {
    if (!this.#established && this.#answeredAt !== undefined && this.#isRoundTrip(at - this.#answeredAt))
      this.#facts.rttUs = Math.min(MAX_U32, Math.max(1, Math.round((at - this.#answeredAt) * 1000)))
    this.#established = true
  }

  /**
   * Nobody knows which of two SYNs is acknowledged (Karn's algorithm, RFC 6298 section 3). Where the filter left the ACK out
   * the round trip is that of the ClientHello, which may have been lost once when it takes a second.
   */
  #isRoundTrip(ms: number): boolean {
    return this.#facts.answers === 1 && (!this.#filtered || ms < HELLO_REPEATED_MS)
  }

  /** The filter leaves the ACK of the SYN out; without it the server would have said its SYN once more. */
  #wasAcknowledged(at: number): boolean {
    return (
      this.#answeredAt !== undefined && this.#facts.answers === 1 && at - this.#answeredAt > SYN_REPEATED_MS
    )
  }

  #read(own: Side, segment: Segment, fromClient: boolean): void {
    if (segment.length === 0) return
    if (this.#reset?.by === own) this.#reset = undefined
    const had = own.tls.facts.clientHello !== undefined
    const what = own.read(segment)
    if (what === undefined) return
    if (fromClient) {
      if (!had && what === 'new') this.#facts.helloSegments += 1
      return
    }
    this.#facts.outSegments += 1
    if (what === 'again') this.#facts.retrans += 1
  }

  #decide(segment: Segment, fromClient: boolean): DecidingEvent | undefined {
    const verdict = this.#decideTls(segment.at)
    if (verdict !== undefined) return verdict
    const own = fromClient ? this.#inward : this.#outward
    if (segment.fin) own.fin ??= segment.sequence + segment.length
    // A FIN beyond a gap: what is missing may still come, and the rest is for the deadline to say.
    const isOver = own.fin !== undefined && own.stream?.isBeyondGap(own.fin) === false
    if (!segment.rst && !isOver) return undefined
    if (this.#finish.at !== undefined && this.#isDone()) return this.#completed(this.#finish.at)
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
    return !this.#finish.mayBeRefused || (!cut && stream?.facts.captureLoss !== true)
  }

  /** A server that gives up after seconds does so because its own deadline has passed. */
  #serverClosed(at: number): Ending {
    return at - this.#facts.openedAt < DEADLINE_MS ? error('server_closed') : { ended_by: 'timeout' }
  }

  #decideTls(at: number): DecidingEvent | undefined {
    const [client, server] = [this.#inward.tls.facts, this.#outward.tls.facts]
    if (client.notTls !== undefined && !this.#inward.cut) return this.#failed(at, notTls(client.notTls))
    // A server that speaks first does not answer a ClientHello: what the client says then tells.
    const asked = (client.clientHello ?? client.announced) !== undefined
    if (server.notTls !== undefined && asked && !this.#outward.cut)
      return this.#failed(at, error('server_not_tls'))
    if (this.#finish.at === undefined) {
      const refused = refusal(client, 'client') ?? refusal(server, 'server')
      if (refused !== undefined) return this.#failed(at, refused)
    }
    return server.serverHello?.version === 'TLSv1.3' ? this.#decide13(at) : this.#decide12(at)
  }

  #decide13(at: number): DecidingEvent | undefined {
    switch (this.#finish.look(this.#inward.tls.facts, this.#outward.tls.facts, at)) {
      case 'completed':
        return this.#completed(this.#finish.at ?? at)
      case 'client_alert':
        return this.#failed(at, error('client_encrypted_alert'))
      case 'server_alert':
        return this.#failed(at, error('server_encrypted_alert'))
      default:
        return undefined
    }
  }

  #decide12(at: number): DecidingEvent | undefined {
    return this.#inward.tls.facts.finished && this.#outward.tls.facts.finished
      ? this.#completed(at)
      : undefined
  }

  #completed(at: number): DecidingEvent {
    return eventOf(this.#facts, at, 'active', {})
  }

  #failed(at: number, ending: Ending): DecidingEvent {
    const blind = blindnessOf({
      inward: this.#inward,
      outward: this.#outward,
      midway: this.#midway,
      answered: this.#answeredAt !== undefined,
      filtered: this.#filtered,
    })
    const known =
      blind === undefined || ending.ended_by === 'alert' || ending.error?.startsWith('capture_') === true
    return eventOf(this.#facts, at, 'closed', known ? ending : error(blind))
  }
}
