import type { AsnRange } from './asn-ranges.ts'
import { type Client, createClients } from './client.ts'
import { type Random, randomOf } from './random.ts'
import { type Announced, survey } from './survey.ts'
import { SCANNER_ASNS, WELL_KNOWN_ASNS } from './well-known.ts'

/** A network whose clients visit, and how it is on an ordinary day. */
export type SimulatedNetwork = {
  asn: number
  /** Visits a minute, averaged over the day. */
  perMinute: number
  /** Share of visits that fail on an ordinary day, 0.001–0.03. */
  failureRate: number
  /** Round trip to the nearest site, ms. */
  rttMs: number
  /** Hour of the day, UTC, when it is busiest. */
  peakHour: number
  /** Where most of its visits go. */
  site: Site
  clients: readonly [Client, ...Client[]]
}

/** A client that is no visitor: it comes on its own beat and never does what a visitor does. */
export type Oddity = { network: SimulatedNetwork; client: Client; perMinute: number }

export type Population = {
  seed: string
  networks: readonly SimulatedNetwork[]
  scanners: readonly Oddity[]
  /** One client, broken by itself, that tries on and on: no reason to accuse its network. */
  bot: Oddity
  /** The mid-sized network that an incident breaks unless another is named. */
  victim: SimulatedNetwork
}

export const SITES = ['fra1', 'iad1', 'sin1'] as const
export type Site = (typeof SITES)[number]

/** Exponent of the volumes: the network of rank r has r^-ZIPF of the first one's. */
const ZIPF = 0.9
/** Mean visits a minute that, with the rhythm of the day, stay between 5 and 25. */
const MID_SIZED = { low: 9, high: 17 }
/** A network smaller than a /20 or larger than a /10 is no ordinary visitors' network. */
const FILLER = { smallest: 2 ** 12, largest: 2 ** 22 }

/**
 * Chooses the networks and makes their clients: well-known ones first, by rank, then others drawn at random from all
 * that announce enough addresses. The same seed and ranges give the same population.
 * @throws when the ranges do not hold enough networks.
 */
export function createPopulation({
  seed = 'halfshake',
  ranges,
  networks: count = 300,
  visitsPerMinute = 700,
}: {
  seed?: string
  ranges: Iterable<AsnRange>
  /** How many networks. */
  networks?: number
  /** Visits a minute over all networks, averaged over the day. */
  visitsPerMinute?: number
}): Population {
  const systems = survey(ranges, randomOf(seed, 'survey'))
  const chosen = choose(systems, count, randomOf(seed, 'choose'))
  const shares = chosen.map((_, rank) => (rank + 1) ** -ZIPF)
  const total = shares.reduce((sum, share) => sum + share, 0)
  const networks = chosen.map((system, rank) =>
    createNetwork(seed, system, (visitsPerMinute * (shares[rank] ?? 0)) / total),
  )
  return { seed, networks, ...createOddOnes(seed, networks, systems) }
}

function choose(systems: ReadonlyMap<number, Announced>, count: number, random: Random): Announced[] {
  const known: readonly number[] = WELL_KNOWN_ASNS
  const usable = (system: Announced | undefined) => system !== undefined && system.ipv4.length > 0
  const chosen = known.flatMap((asn) => systems.get(asn) ?? []).filter(usable)
  const others = [...systems.values()]
    .filter((system) => usable(system) && !known.includes(system.asn))
    .filter(({ addresses }) => addresses >= FILLER.smallest && addresses <= FILLER.largest)
  while (chosen.length < count && others.length > 0)
    chosen.push(...others.splice(random.below(others.length), 1))
  if (chosen.length < count) throw new Error(`the ranges hold ${chosen.length} networks, ${count} are needed`)
  return chosen.slice(0, count)
}

function createNetwork(seed: string, system: Announced, perMinute: number): SimulatedNetwork {
  const random = randomOf(seed, 'network', system.asn)
  const site = random.weighted<Site>([
    ['fra1', 5],
    ['iad1', 4],
    ['sin1', 2],
  ])
  return {
    asn: system.asn,
    perMinute,
    failureRate: Math.exp(random.between(Math.log(0.001), Math.log(0.03))),
    rttMs: Math.min(300, 8 + Math.exp(3 + 0.8 * random.normal())),
    peakHour: (19 + 3 * random.normal() + 24) % 24,
    site,
    clients: createClients({
      random,
      system,
      // A client comes about six times an hour.
      count: Math.min(2000, Math.max(15, Math.round(perMinute * 10))),
      ipv6Share: random.between(0.1, 0.6),
      postQuantumShare: random.between(0.4, 0.6),
    }),
  }
}

function createOddOnes(
  seed: string,
  networks: readonly SimulatedNetwork[],
  systems: ReadonlyMap<number, Announced>,
): Pick<Population, 'scanners' | 'bot' | 'victim'> {
  const random = randomOf(seed, 'odd ones')
  const midSized = networks.filter(({ perMinute: n }) => n >= MID_SIZED.low && n <= MID_SIZED.high)
  const quiet = networks.filter(({ perMinute: n }) => n < MID_SIZED.low)
  const [victim, host] = [random, random].map((dice, at) => {
    const from = at === 0 ? midSized : quiet
    return from[dice.below(from.length)]
  })
  if (victim === undefined || host === undefined)
    throw new Error('no mid-sized network: raise visitsPerMinute')
  const hosting = SCANNER_ASNS.flatMap((asn) => systems.get(asn) ?? []).filter(({ ipv4 }) => ipv4.length > 0)
  const scanners = hosting.flatMap((system) => {
    const network = createNetwork(seed, system, 0)
    const busy = network.clients.slice(0, 3)
    return busy.map((client) => ({ network, client, perMinute: random.between(0.5, 4) }))
  })
  return { victim, scanners, bot: { network: host, client: host.clients[0], perMinute: 5 } }
}
