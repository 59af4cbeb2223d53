import type { StreamMinute } from './judge.ts'
import { at, F, FLOATS, I, INTS, increase, type Streams } from './streams.ts'

/** An incident names the fewest prefixes that explain this share of the excess. */
const EXPLAINED = 0.8

/** Adds a prefix's minute to its share of the episode its network is in. */
export function noteShare(streams: Streams, prefix: number, seen: StreamMinute): void {
  const { floats, ints } = streams
  const f = prefix * FLOATS
  const i = prefix * INTS
  const onset = at(ints, at(ints, i + I.PARENT) * INTS + I.ONSET_TICK)
  if (at(ints, i + I.SHARE_ONSET) !== onset) {
    ints[i + I.SHARE_ONSET] = onset
    floats[f + F.SHARE_N] = 0
    floats[f + F.SHARE_K] = 0
  }
  increase(floats, f + F.SHARE_N, seen.n)
  increase(floats, f + F.SHARE_K, seen.k)
}

/** The fewest prefixes of a network that explain 80 % of its excess since its onset, the worst first. */
export function explainingPrefixes(streams: Streams, network: number): number[] {
  const shares = excesses(streams, network).filter(({ excess }) => excess > 0)
  shares.sort((a, b) => b.excess - a.excess || a.prefix - b.prefix)
  const enough = EXPLAINED * shares.reduce((sum, { excess }) => sum + excess, 0)
  const fewest: number[] = []
  let explained = 0
  for (const { prefix, excess } of shares) {
    if (explained >= enough) break
    explained += excess
    fewest.push(prefix)
  }
  return fewest
}

function excesses(streams: Streams, network: number): { prefix: number; excess: number }[] {
  const { floats, ints } = streams
  const onset = at(ints, network * INTS + I.ONSET_TICK)
  const mean = at(floats, network * FLOATS + F.MEAN)
  const found: { prefix: number; excess: number }[] = []
  let prefix = at(ints, network * INTS + I.FIRST_CHILD)
  for (; prefix >= 0; prefix = at(ints, prefix * INTS + I.NEXT_SIBLING)) {
    if (at(ints, prefix * INTS + I.SHARE_ONSET) !== onset) continue
    const f = prefix * FLOATS
    found.push({ prefix, excess: at(floats, f + F.SHARE_K) - mean * at(floats, f + F.SHARE_N) })
  }
  return found
}
