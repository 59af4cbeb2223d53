import type { Segment } from './segment.ts'

/** One direction of a connection: bytes put in order, and what TCP had to do for it. */
export type Stream = {
  /** Takes a segment's payload; returns the bytes that are in order now. */
  push(segment: Segment): Buffer
  /** Whether something before this segment is missing. */
  isBeyondGap(segment: Segment): boolean
  /** The other side acknowledged this far, and these beyond. */
  acknowledge(number: number, sacks: Segment['sacks']): void
  readonly facts: StreamFacts
}

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

/** Held beyond a gap, at most: more is dropped and counted as not captured. */
const MAX_HELD_BYTES = 65_536
const MAX_PIECES = 64

/** `start` is the number of the first byte: one past the SYN's. */
export function createStream(start: number): Stream {
  const facts: StreamFacts = {
    ...{ segments: 0, outOfOrder: 0, repeated: 0, bytes: 0, acknowledged: 0, sent: 0 },
    ...{ unacked: 0, sacked: 0, captureLoss: false },
  }
  /** Pieces beyond the first gap, by their distance from the start, in order. */
  let held: { from: number; data: Buffer; length: number }[] = []
  /** Segments sent, by their distance from the start. */
  let out: { from: number; to: number; sacked: boolean }[] = []
  const distance = (sequence: number) => (sequence - start) | 0

  return {
    facts,
    push({ sequence, payload, length }) {
      if (length === 0) return EMPTY
      const from = distance(sequence)
      facts.segments += 1
      facts.sent = Math.max(facts.sent, from + length)
      if (
        from + length <= facts.bytes ||
        held.some((piece) => piece.from <= from && from + length <= piece.from + piece.length)
      ) {
        facts.repeated += 1
        return EMPTY
      }
      if (out.length < MAX_PIECES) out.push({ from, to: from + length, sacked: false })
      facts.unacked = out.length
      if (from > facts.bytes) {
        facts.outOfOrder += 1
        hold(from, payload, length)
        return EMPTY
      }
      const pieces = [take(from, payload, length)]
      while (held[0] !== undefined && held[0].from <= facts.bytes) {
        const next = held.shift()
        if (next !== undefined && next.from + next.length > facts.bytes)
          pieces.push(take(next.from, next.data, next.length))
      }
      return pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces)
    },
    isBeyondGap: ({ sequence }) => distance(sequence) > facts.bytes,
    acknowledge(number, sacks) {
      const to = distance(number)
      facts.acknowledged = Math.max(facts.acknowledged, to)
      // A FIN takes a number of its own, which is no byte.
      if (to > facts.bytes + 1) facts.captureLoss = true
      for (const piece of out) {
        if (sacks.some(([first, last]) => distance(first) <= piece.from && piece.to <= distance(last)))
          piece.sacked = true
      }
      out = out.filter((piece) => piece.to > to)
      facts.unacked = out.length
      facts.sacked = out.filter(({ sacked }) => sacked).length
    },
  }

  function take(from: number, data: Buffer, length: number): Buffer {
    const fresh = data.subarray(facts.bytes - from)
    facts.bytes = from + length
    return fresh
  }

  function hold(from: number, data: Buffer, length: number): void {
    const size = held.reduce((sum, piece) => sum + piece.data.length, 0)
    if (held.length >= MAX_PIECES || size + data.length > MAX_HELD_BYTES) return
    // A copy: the packet lies in a buffer that is much larger and would be kept alive.
    held = [...held, { from, data: Buffer.from(data), length }].sort((a, b) => a.from - b.from)
  }
}

const EMPTY: Buffer = Buffer.alloc(0)
