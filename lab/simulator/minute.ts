import { botFailure, type Circumstances, type Fate, scan } from './fates.ts'
import { type Placed, pickAgent, pickServerName, place } from './placed.ts'
import type { Oddity, Population } from './population.ts'
import { randomOf } from './random.ts'
import { botIsAtWork, clusterFactor, MINUTE_MS, rhythm } from './rhythm.ts'
import type { Incident } from './traffic.ts'
import { visit } from './visit.ts'

type Minute = {
  population: Population
  incidents: readonly Incident[]
  idPrefix: string
  minute: number
}

/** The events of all visits that begin in a minute, whenever they are decided. */
export function visitsOf({ population, incidents, idPrefix, minute }: Minute): Placed[] {
  const placed: Placed[] = []
  const { seed, networks, victim, scanners, bot } = population
  let serial = 0
  const id = () => `${idPrefix}-${minute.toString(36)}-${(serial++).toString(36)}`
  for (const network of networks) {
    const random = randomOf(seed, 'minute', network.asn, minute)
    const visits = random.poisson(network.perMinute * rhythm(network, minute))
    if (visits === 0) continue
    const broken = incidents.filter(({ asn = victim.asn }) => asn === network.asn)
    const failureRate = network.failureRate * clusterFactor(seed, network, minute)
    for (let left = visits; left > 0; left -= 1) {
      visit({ network, broken, failureRate, random, minute, id, placed })
    }
  }
  for (const oddity of scanners) oddOne(oddity, scan, { seed, minute, id, placed })
  if (botIsAtWork(seed, minute)) oddOne(bot, botFailure, { seed, minute, id, placed })
  return placed
}

function oddOne(
  { network, client, perMinute }: Oddity,
  make: (about: Circumstances) => Fate,
  { seed, minute, id, placed }: { seed: string; minute: number; id: () => string; placed: Placed[] },
): void {
  const random = randomOf(seed, 'odd', client.address, minute)
  for (let left = random.poisson(perMinute); left > 0; left -= 1) {
    const { agent, distance } = pickAgent(network, random)
    const serverName = pickServerName(random)
    const fate = make({ client, rttMs: network.rttMs * distance, serverName, random })
    placed.push(place(id(), client, agent, minute * MINUTE_MS + random.below(MINUTE_MS), fate, random))
  }
}
