import type { StreamMinute } from './judge.ts'
import { at, F, FLOATS, I, KIND, type Streams } from './streams.ts'
import type { Row } from './teach.ts'
import { excessWithout } from './world.ts'

/** A prefix beside the rest of its network: where all of the network fails, that is the network's incident. */
export type BesideNetwork = {
  /** Notes a stream's minute: a network's before those of its prefixes. */
  note(stream: number, kind: number, row: Row, seen: StreamMinute): void
  /** The share by which the rest of the prefix's network fails beyond what is expected, now or lately. */
  excess(row: Row, seen: StreamMinute): number
}

const FORGET = Math.exp(-1 / 5)

export function createBesideNetwork(streams: Streams): BesideNetwork {
  /** The network whose rows are under way, and its own minute. */
  const network = { stream: -1, n: 0, excess: 0 }

  /** Five-minute memory of clients and excess, which a network's prefixes are compared with. */
  function note(stream: number, kind: number, { floats, ints, f, i }: Row, seen: StreamMinute): void {
    const passed = seen.tick - at(ints, i + I.LAST)
    const faded = passed === 1 ? FORGET : FORGET ** passed
    const excess = seen.k - seen.mean
    floats[f + F.RECENT_N] = at(floats, f + F.RECENT_N) * faded + seen.n
    floats[f + F.RECENT_EXCESS] = at(floats, f + F.RECENT_EXCESS) * faded + excess
    if (kind === KIND.prefix) return
    network.stream = stream
    network.n = seen.n
    network.excess = excess
  }

  return {
    note,
    excess({ floats, ints, f, i }, seen) {
      const above = at(ints, i + I.PARENT)
      const { rho } = seen
      const p = seen.mean / seen.n
      const own = { n: seen.n, excess: seen.k - seen.mean }
      const now = network.stream === above ? excessBeside(network, own, { p, rho }) : 0
      const recent = excessBeside(
        {
          n: at(streams.floats, above * FLOATS + F.RECENT_N),
          excess: at(streams.floats, above * FLOATS + F.RECENT_EXCESS),
        },
        { n: at(floats, f + F.RECENT_N), excess: at(floats, f + F.RECENT_EXCESS) },
        { p, rho },
      )
      return Math.max(now, recent)
    },
  }
}

type Counted = { n: number; excess: number }

/** As excessWithout in world.ts, for one network and one of its prefixes. */
function excessBeside(network: Counted, own: Counted, { p, rho }: { p: number; rho: number }): number {
  const others = network.n - own.n
  // Most minutes end here: the rest of the network has no excess at all.
  if (others <= 0.01 || network.excess - own.excess <= 0) return 0
  const variance = p * (1 - p) * network.n * (1 + network.n * rho)
  const ownVariance = p * (1 - p) * own.n * (1 + own.n * rho)
  return excessWithout(
    { weight: network.n, excess: network.excess, variance },
    { weight: own.n, excess: own.excess, variance: Math.min(variance, ownVariance) },
  )
}
