import { pushRow } from '../../detector/batch.ts'
import { createFleet } from '../../detector/fleet.ts'
import { DEFAULT_OPTIONS } from '../../detector/options.ts'
import { KIND } from '../../detector/streams.ts'
import { createRandom, type Random } from './random.ts'
import { median } from './score.ts'

/** One prefix of each network goes dark; what the detector says of it. */
export type PrefixResult = {
  volume: number
  share: number
  rate: number
  networks: number
  found: number
  /** Median minutes to the first incident that is about the prefix or its network. */
  delay: number
  /** Share of the found where five minutes later the right prefix is named first. */
  right: number
  /** Incidents for which another network or prefix was blamed. */
  wrong: number
}

const LEARNING = 3 * 1440
const AFTER = 240
const PREFIXES = 40
const HEALTHY = 0.005
const LOOK_AFTER = 5

/**
 * Networks with 40 prefixes of Zipf's sizes, in which one prefix that has `share` of the clients begins to fail at
 * `rate`. The networks begin one after another, so that each sees a healthy world.
 */
export function measurePrefixes(
  setting: { volume: number; share: number; rate: number; networks: number },
  seed: number,
): PrefixResult {
  const random = createRandom(seed)
  const fleet = createFleet(DEFAULT_OPTIONS)
  const stratum = fleet.world.stratum('', 4)
  const simulated = Array.from({ length: setting.networks }, (_, i) => createNetwork(setting, i))
  const streams = simulated.map(() => {
    const network = fleet.add(KIND.network, -1)
    return { network, prefixes: Array.from({ length: PREFIXES }, () => fleet.add(KIND.prefix, network)) }
  })
  const spacing = Math.ceil(AFTER / 2)
  const onsetOf = (i: number) => LEARNING + i * spacing
  const opened = new Map<number, number>()
  const named = new Map<number, number>()
  let wrong = 0

  function minute(t: number): void {
    simulated.forEach((network, i) => {
      const sick = t >= onsetOf(i) && t < onsetOf(i) + AFTER
      const drawn = network.map((mean, p) =>
        drawPrefix(mean, sick && p === SICK ? setting.rate : HEALTHY, random),
      )
      const n = drawn.reduce((sum, prefix) => sum + prefix.n, 0)
      const k = drawn.reduce((sum, prefix) => sum + prefix.k, 0)
      const { network: stream, prefixes } = streams[i] ?? { network: 0, prefixes: [] }
      if (n > 0) push(stream, n, k)
      drawn.forEach((prefix, p) => {
        if (prefix.n > 0) push(prefixes[p] ?? 0, prefix.n, prefix.k)
      })
    })
    fleet.judge(t)
  }

  function push(stream: number, n: number, k: number): void {
    const worst = k > 0 ? 1 + random.below(1_000_000) : 0
    pushRow(fleet.batch, { stream, stratum, n, k, completed: n - k, worst, worstFailed: k > 0 ? 1 : 0 })
  }

  function look(t: number): void {
    for (const record of fleet.lifecycle.open) {
      const i = streams.findIndex(
        ({ network, prefixes }) => network === record.stream || prefixes.includes(record.stream),
      )
      const first = streams[i]?.network === record.stream ? record.prefixes[0] : record.stream
      const right = first === streams[i]?.prefixes[SICK]
      if (t < onsetOf(i) || t >= onsetOf(i) + AFTER + 30) wrong += record.opened === t ? 1 : 0
      else if (!opened.has(i)) opened.set(i, t)
      if (t === (opened.get(i) ?? -1) + LOOK_AFTER) named.set(i, Math.max(named.get(i) ?? 0, right ? 1 : 0))
    }
  }

  for (let t = 0; t < onsetOf(setting.networks); t++) {
    minute(t)
    look(t)
  }
  const delays = [...opened].map(([i, t]) => t - onsetOf(i) + 1)
  const right = [...named.values()].reduce((sum, hit) => sum + hit, 0)
  return {
    ...setting,
    found: opened.size,
    delay: median(delays),
    right: right / Math.max(1, named.size),
    wrong,
  }
}

/** The prefix that fails is the first of each network; its size is set, the others share the rest by Zipf's law. */
const SICK = 0

function createNetwork({ volume, share }: { volume: number; share: number }, index: number): number[] {
  const sizes = Array.from({ length: PREFIXES - 1 }, (_, p) => 1 / (((p + index) % (PREFIXES - 1)) + 1))
  const all = sizes.reduce((sum, size) => sum + size, 0)
  return [volume * share, ...sizes.map((size) => (volume * (1 - share) * size) / all)]
}

function drawPrefix(mean: number, rate: number, random: Random): { n: number; k: number } {
  const n = random.poisson(mean)
  return { n, k: random.betaBinomial(n, rate, 0.005) }
}
