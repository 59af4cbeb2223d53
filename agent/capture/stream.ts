import type { Sacks } from './segment.ts'

export type StreamFacts = {
  /** Segments with data. */
  segments: number
  /** Those that came with something missing before them. */
  outOfOrder: number
  /** Those that brought nothing new. */
  repeated: number
  /** Bytes in order. */
  bytes: number
  /** Bytes acknowledged by the other side. */
  acknowledged: number
  /** Bytes sent, as far as seen: the highest, gaps included. */
  sent: number
  /** Segments not acknowledged, and of these those acknowledged selectively, those missing although later ones arrived. */
  unacked: number
  sacked: number
  /** Whether the other side acknowledged what was never captured. */
  captureLoss: boolean
}

/** One direction of a connection, of which all is captured or only what a filter lets through. */
export type Direction = {
  readonly facts: Readonly<StreamFacts>
  /** How often something was left out before what came next: what is pushed then does not follow what was pushed before. */
  readonly gaps: number
  /** Takes a segment's payload, of which `payload` may hold less than `length`; returns the bytes that are in order now. */
  push(sequence: number, payload: Buffer, length: number, at: number): Buffer
  /** Whether something before this segment is missing that may still come. */
  isBeyondGap(sequence: number): boolean
  /** Whether a reset with this number stands where its receiver expects one. */
  isDue(sequence: number): boolean
  /** The other side acknowledged this far, and these beyond. */
  acknowledge(number: number, sacks: Sacks): void
  /** The facts as they stand at this time, when nothing more is waited for. */
  settle(at: number): void
}

/** No sender repeats a segment so soon: it is the same packet, captured on two interfaces. */
export const SEEN_TWICE_MS = 2
/** Held beyond a gap, at most: more is dropped and counted as not captured. */
const MAX_HELD_BYTES = 65_536
const MAX_PIECES = 64
const EMPTY: Buffer = Buffer.alloc(0)

/** One direction of a connection: bytes put in order, and what TCP had to do for it. */
export class Stream implements Direction {
  readonly gaps = 0
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
  readonly #start: number
  /** Pieces beyond the first gap, by their distance from the start, in order. */
  #held: { from: number; data: Buffer; length: number }[] = []
  /** Segments sent, by their distance from the start. */
  #out: { from: number; to: number; at: number; sacked: boolean }[] = []

  /** `start` is the number of the first byte: one past the SYN's. */
  constructor(start: number) {
    this.#start = start
  }

  push(sequence: number, payload: Buffer, length: number, at: number): Buffer {
    if (length === 0) return EMPTY
    const { facts } = this
    const from = this.#distance(sequence)
    const isRepeated = from + length <= facts.bytes || this.#isHeld(from, length)
    if (isRepeated && this.#isSeenTwice(from, length, at)) return EMPTY
    facts.segments += 1
    facts.sent = Math.max(facts.sent, from + length)
    if (isRepeated) {
      facts.repeated += 1
      return EMPTY
    }
    if (this.#out.length < MAX_PIECES) this.#out.push({ from, to: from + length, at, sacked: false })
    facts.unacked = this.#out.length
    if (from > facts.bytes) {
      facts.outOfOrder += 1
      this.#hold(from, payload, length)
      return EMPTY
    }
    const fresh = this.#take(from, payload, length)
    return this.#held.length === 0 ? fresh : Buffer.concat([fresh, ...this.#release()])
  }

  isBeyondGap(sequence: number): boolean {
    return this.#distance(sequence) > this.facts.bytes
  }

  isDue(sequence: number): boolean {
    const distance = this.#distance(sequence)
    return distance >= Math.min(this.facts.acknowledged, this.facts.bytes) && distance <= this.facts.sent + 1
  }

  acknowledge(number: number, sacks: Sacks): void {
    const { facts } = this
    const to = this.#distance(number)
    facts.acknowledged = Math.max(facts.acknowledged, to)
    // A FIN takes a number of its own, which is no byte.
    if (to > facts.bytes + 1) facts.captureLoss = true
    if (this.#out.length === 0) return
    for (const [first, last] of sacks) {
      for (const piece of this.#out) {
        if (this.#distance(first) <= piece.from && piece.to <= this.#distance(last)) piece.sacked = true
      }
    }
    this.#out = this.#out.filter((piece) => piece.to > to)
    facts.unacked = this.#out.length
    facts.sacked = 0
    for (const { sacked } of this.#out) if (sacked) facts.sacked += 1
  }

  settle(): void {
    // Every acknowledgement was seen.
  }

  /** From the start, in the circle of 2^32 numbers. */
  #distance(sequence: number): number {
    return (sequence - this.#start) | 0
  }

  #isHeld(from: number, length: number): boolean {
    return this.#held.some((piece) => piece.from <= from && from + length <= piece.from + piece.length)
  }

  #isSeenTwice(from: number, length: number, at: number): boolean {
    const piece = this.#out.find((one) => one.from === from && one.to === from + length)
    if (piece === undefined) return false
    const after = at - piece.at
    piece.at = at
    return after < SEEN_TWICE_MS
  }

  #take(from: number, data: Buffer, length: number): Buffer {
    const known = this.facts.bytes - from
    this.facts.bytes = from + length
    return known === 0 ? data : data.subarray(known)
  }

  /** What was held and is in order now. */
  #release(): Buffer[] {
    const pieces: Buffer[] = []
    for (
      let next = this.#held[0];
      next !== undefined && next.from <= this.facts.bytes;
      next = this.#held[0]
    ) {
      this.#held.shift()
      if (next.from + next.length > this.facts.bytes)
        pieces.push(this.#take(next.from, next.data, next.length))
    }
    return pieces
  }

  #hold(from: number, data: Buffer, length: number): void {
    const size = this.#held.reduce((sum, piece) => sum + piece.data.length, 0)
    if (this.#held.length >= MAX_PIECES || size + data.length > MAX_HELD_BYTES) return
    // A copy: the packet lies in a buffer that is much larger and would be kept alive.
    this.#held.push({ from, data: Buffer.from(data), length })
    this.#held.sort((a, b) => a.from - b.from)
  }
}
