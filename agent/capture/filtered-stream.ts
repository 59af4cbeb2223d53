import type { Sacks } from './segment.ts'
import { type Direction, SEEN_TWICE_MS, type StreamFacts } from './stream.ts'

/** `from` and `to` are distances from the start; `at` is when it was sent last, undefined where it was not captured. */
type Piece = { from: number; to: number; at: number | undefined; sacked: boolean }

/** What is sent and not acknowledged is sent again by then: after three seconds where the SYN was lost (RFC 6298 section 5.7). */
const REPEATED_MS = 3_500
const MAX_PIECES = 64
/** More is not under way at the beginning of a connection. */
const MAX_WINDOW = 65_536
const EMPTY: Buffer = Buffer.alloc(0)

/**
 * The server's direction as `captureFilter` lets it through: segments that begin in the middle of a record are left out,
 * and so are the client's acknowledgements, except those that come with data or that acknowledge selectively. Nothing is
 * waited for, then: a gap is passed over. What was acknowledged is told by what the server sends again: all before that
 * has arrived, and what is not sent again in time has arrived too.
 */
export class FilteredStream implements Direction {
  readonly facts: StreamFacts = {
    segments: 0,
    outOfOrder: 0,
    repeated: 0,
    bytes: 0,
    acknowledged: 0,
    sent: 0,
    unacked: 0,
    sacked: 0,
    captureLoss: false,
  }
  gaps = 0
  readonly #start: number
  #out: Piece[] = []
  /** When the server last sent what was captured, and the last repeat: from where, when, how long after the time before. */
  #sentAt: number | undefined
  #repeat: { from: number; at: number; after: number } | undefined

  constructor(start: number) {
    this.#start = start
  }

  push(sequence: number, payload: Buffer, length: number, at: number): Buffer {
    if (length === 0) return EMPTY
    const { facts } = this
    const from = this.#distance(sequence)
    const to = from + length
    const isRepeated = to <= facts.bytes
    if (isRepeated && this.#isSeenTwice(from, to, at)) return EMPTY
    facts.segments += 1
    facts.sent = Math.max(facts.sent, to)
    this.#sentAt = at
    if (isRepeated) {
      facts.repeated += 1
      this.#again(from, to, at)
      return EMPTY
    }
    if (from > facts.bytes) this.#passOver(from)
    const known = facts.bytes - from
    this.#send({ from: facts.bytes, to, at, sacked: false })
    return known === 0 ? payload : payload.subarray(known)
  }

  isBeyondGap(): boolean {
    return false
  }

  /** What the filter left out may lie between. */
  isDue(sequence: number): boolean {
    const distance = this.#distance(sequence)
    return distance >= 0 && distance <= this.facts.sent + MAX_WINDOW
  }

  acknowledge(number: number, sacks: Sacks): void {
    const { facts } = this
    const to = this.#distance(number)
    facts.acknowledged = Math.max(facts.acknowledged, to)
    // A FIN takes a number of its own, which is no byte.
    if (to > facts.bytes + 1) this.#passOver(to)
    for (const [first, last] of sacks) this.#acknowledgeBeyond(this.#distance(first), this.#distance(last))
    this.#count()
  }

  settle(at: number): void {
    const { facts } = this
    const repeat = this.#repeat
    if (repeat !== undefined && repeat.from >= facts.acknowledged) {
      // Each repeat comes after twice the time of the one before.
      const isOver = at - repeat.at > 3 * repeat.after + REPEATED_MS
      facts.acknowledged = Math.max(facts.acknowledged, isOver ? facts.sent : repeat.from)
    } else if (this.#sentAt !== undefined && at - this.#sentAt > REPEATED_MS) facts.acknowledged = facts.sent
    this.#count()
  }

  #distance(sequence: number): number {
    return (sequence - this.#start) | 0
  }

  #isSeenTwice(from: number, to: number, at: number): boolean {
    const sent = this.#out.find((one) => one.from === from && one.to === to)?.at
    return sent !== undefined && at - sent < SEEN_TWICE_MS
  }

  #again(from: number, to: number, at: number): void {
    const piece = this.#out.find((one) => one.from < to && from < one.to)
    this.#repeat = { from, at, after: at - (piece?.at ?? at) }
    if (piece !== undefined) piece.at = at
  }

  /** What was sent up to here was not captured. */
  #passOver(to: number): void {
    this.gaps += 1
    this.#send({ from: this.facts.bytes, to, at: undefined, sacked: false })
  }

  #send(piece: Piece): void {
    this.facts.bytes = piece.to
    this.facts.sent = Math.max(this.facts.sent, piece.to)
    if (this.#out.length < MAX_PIECES) this.#out.push(piece)
    this.#count()
  }

  #acknowledgeBeyond(first: number, last: number): void {
    if (first > this.facts.bytes) this.#passOver(first)
    if (last > this.facts.bytes) this.#passOver(last)
    for (const piece of this.#out) if (first <= piece.from && piece.to <= last) piece.sacked = true
  }

  #count(): void {
    const { facts } = this
    this.#out = this.#out.filter(({ to }) => to > facts.acknowledged)
    facts.unacked = this.#out.length
    facts.sacked = 0
    for (const { sacked } of this.#out) if (sacked) facts.sacked += 1
  }
}
