import type { MinuteCount } from '../count.ts'

/** 2023-11-14T22:00:00Z, the full hour. */
export const START = 1_699_999_200

export type Traffic = {
  asn?: number
  label?: string
  prefix?: string
  site?: string
  /** Clients per minute, Poisson unless `fixed`. */
  clients: number
  fixed?: boolean
  /** Failure rate in minute t from the start. */
  rate: (t: number) => number
  /** Handshakes per client and minute. */
  handshakes?: number
  /** How many different clients there are. */
  population?: number
}

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export type TrafficSource = (t: number) => MinuteCount[]

/** Counts of minute t for each network, from one seed; call with t = 0, 1, 2, … */
export function createTraffic(seed: number, networks: readonly Traffic[]): TrafficSource {
  const random = createRandom(seed)
  return (t) => networks.flatMap((network) => countsOf(network, t, random))
}

function countsOf(network: Traffic, t: number, random: () => number): MinuteCount[] {
  const { asn = 64500, label = '', prefix = '', site = 'fra', handshakes = 1, population = 1000 } = network
  const clients = Math.min(population, network.fixed ? network.clients : poisson(network.clients, random))
  if (clients === 0) return []
  const rate = network.rate(t)
  let failed = 0
  for (let c = 0; c < clients; c++) if (random() < rate) failed++
  return [
    {
      minute: START + t * 60,
      ...{ asn, label, prefix, site, ip_version: 4 },
      completed: (clients - failed) * handshakes,
      failed: failed * handshakes,
      clients,
      failed_clients: failed,
      worst_client: failed > 0 ? `client ${Math.floor(random() * population)}` : '',
      worst_client_failed: failed > 0 ? handshakes : 0,
    },
  ]
}

function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean)
  let product = random()
  let count = 0
  while (product > limit) {
    product *= random()
    count++
  }
  return count
}
