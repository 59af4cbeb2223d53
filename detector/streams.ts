/**
 * State of all streams: one row of 32-bit floats and one of 32-bit integers each, side by side in two growing
 * arrays. 70,000 streams in objects would be 100 MB and a cache miss per field; here a stream is 250 bytes in a row.
 */

/** Float fields. */
export const F = {
  /** R for each excess: five fields. */
  R: 0,
  /** CUSUM that dates the onset. */
  C: 5,
  /** Since the onset: clients failed, decided, expected to fail; handshakes completed. */
  K: 6,
  N: 7,
  EXPECTED: 8,
  COMPLETED: 9,
  /** Since the onset: most failing clients known at once; votes of the three worst-client candidates. */
  MOST_CLIENTS: 10,
  VOTE: 11,
  /** Levels per minute: clients succeeded lately, handshakes completed in two hours; minutes followed. */
  LEVEL_S: 14,
  LEVEL_COMPLETED: 15,
  LEVEL_MINUTES: 16,
  /** Handshakes completed in this and in the last ten minutes. */
  WINDOW: 17,
  LAST_WINDOW: 18,
  /** Last five minutes, decayed: clients, and failures beyond the mean expectation. */
  RECENT_N: 19,
  RECENT_EXCESS: 20,
  /** Decayed history: clients decided and failed; moments of wandering; weighted ρ and its information. */
  HISTORY_N: 21,
  HISTORY_K: 22,
  WANDER_EXCESS: 23,
  WANDER_WEIGHT: 24,
  WANDER_NOISE: 25,
  RHO_SUM: 26,
  RHO_INFORMATION: 27,
  /** This hour: clients decided, failed, pairs; sums over its blocks; the block under way. */
  HOUR_N: 28,
  HOUR_K: 29,
  HOUR_PAIRS: 30,
  BLOCKS: 31,
  BLOCK_KK: 32,
  BLOCK_KN: 33,
  BLOCK_NN: 34,
  BLOCK_N: 35,
  BLOCK_K: 36,
  /** Hours held back while the stream is under suspicion. */
  HELD_N: 37,
  HELD_K: 38,
  /** Computed from the history once an hour: mean rate, its upper limit, ρ. */
  MEAN: 39,
  UPPER: 40,
  RHO: 41,
  /** Open incident: reverse evidence. */
  REVERSE: 42,
  /** Clients decided and failed since the onset of the network this prefix belongs to. */
  SHARE_N: 43,
  SHARE_K: 44,
} as const
export const FLOATS = 45

/** Integer fields. Ticks count the minutes in which anything at all was seen: missing data stops the clock. */
export const I = {
  /** Tick of the first minute of the episode, and that minute (in minutes since 1970). */
  ONSET_TICK: 0,
  ONSET: 1,
  /** Tick of the last update. */
  LAST: 2,
  /** Worst-client candidates. */
  CANDIDATE: 3,
  /** A client that fails on and on alone and is left out of the counts, and the tick it was last seen failing. */
  IGNORED: 6,
  IGNORED_SEEN: 7,
  /** Bits of {@link HOUR_SPOILT}. */
  SPOILT: 8,
  /** Hours held back so far. */
  HELD: 9,
  /** Index of the open incident + 1, or 0. */
  INCIDENT: 10,
  /** Good ticks since the last bad minute of an open incident. */
  GOOD: 11,
  /** Index of the network's stream for a prefix, −1 for a network. */
  PARENT: 12,
  FIRST_CHILD: 13,
  NEXT_SIBLING: 14,
  CHILDREN: 15,
  /** Onset tick of the parent that SHARE_N and SHARE_K count from. */
  SHARE_ONSET: 16,
  /** Tick since which the gate alone holds an alarm back, 0 if it does not. */
  BLOCKED: 17,
  /** Block under way: its number since 1970. */
  BLOCK: 18,
  /** One of {@link KIND}. */
  KIND: 19,
} as const
export const INTS = 20

/** What a stream stands for. Unknown networks are part of the world but never judged. */
export const KIND = { network: 0, prefix: 1, unknown: 2, site: 3, world: 4 } as const

/** Why an hour does not teach: the rate must not be learned from it, or nothing at all. */
export const HOUR_SPOILT = { rate: 1, all: 2 } as const

/** Rows added at a time once the state is large, so that little stands empty. */
const GROWTH = 1024

export type Streams = {
  readonly count: number
  readonly floats: Float32Array
  readonly ints: Int32Array
  /** Adds an empty stream of a {@link KIND} below `parent` (−1 for none) and returns its index. */
  add(kind: number, parent: number): number
  /** Bytes held by the two arrays. */
  bytes(): number
}

export function createStreams(): Streams {
  let count = 0
  let floats = new Float32Array(64 * FLOATS)
  let ints = new Int32Array(64 * INTS)

  function grow() {
    const rows = floats.length / FLOATS + Math.min(GROWTH, floats.length / FLOATS)
    const widerFloats = new Float32Array(rows * FLOATS)
    const widerInts = new Int32Array(rows * INTS)
    widerFloats.set(floats)
    widerInts.set(ints)
    floats = widerFloats
    ints = widerInts
  }

  function add(kind: number, parent: number): number {
    if ((count + 1) * FLOATS > floats.length) grow()
    const stream = count++
    const row = stream * INTS
    ints[row + I.KIND] = kind
    ints[row + I.PARENT] = parent
    ints[row + I.FIRST_CHILD] = -1
    ints[row + I.NEXT_SIBLING] = -1
    if (parent >= 0) link(stream, parent)
    return stream
  }

  function link(stream: number, parent: number) {
    const above = parent * INTS
    ints[stream * INTS + I.NEXT_SIBLING] = ints[above + I.FIRST_CHILD] ?? -1
    ints[above + I.FIRST_CHILD] = stream
    ints[above + I.CHILDREN] = (ints[above + I.CHILDREN] ?? 0) + 1
  }

  return {
    get count() {
      return count
    },
    get floats() {
      return floats
    },
    get ints() {
      return ints
    },
    add,
    bytes: () => floats.byteLength + ints.byteLength,
  }
}

/** The value at `index`; an index of ours is never out of bounds, which the compiler cannot know. */
export function at(array: Float32Array | Float64Array | Int32Array, index: number): number {
  return array[index] ?? 0
}

export function increase(array: Float32Array | Float64Array | Int32Array, index: number, by: number): void {
  array[index] = at(array, index) + by
}
