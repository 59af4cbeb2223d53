import type { Client } from './client.ts'
import { completed, mtuInbound, ordinaryFailure, plainHttp, preconnect } from './fates.ts'
import { type Placed, pickAgent, pickServerName, place } from './placed.ts'
import type { SimulatedNetwork } from './population.ts'
import type { Random } from './random.ts'
import { MINUTE_MS } from './rhythm.ts'
import type { Incident } from './traffic.ts'

/** A ClientHello longer than this does not fit the broken path in one piece: a 1400-byte hop less its headers. */
export const HOLE_BYTES = 1350

const PRECONNECTS = 0.03
const PLAIN_HTTP = 0.002
const MOST_RETRIES = 3
/** Whom an ordinary fault has hit once it hits again with this probability. */
const AGAIN = 0.15

type Visit = {
  network: SimulatedNetwork
  broken: readonly Incident[]
  failureRate: number
  random: Random
  minute: number
  id: () => string
  placed: Placed[]
}

/** One client comes, and comes again when it fails: up to three retries, a second or a few apart. */
export function visit({ network, broken, failureRate, random, minute, id, placed }: Visit): void {
  const client = pickClient(network, random)
  const destination = pickAgent(network, random)
  const serverName = pickServerName(random)
  let at = minute * MINUTE_MS + random.below(MINUTE_MS)
  for (let tries = 0; tries <= MOST_RETRIES; tries += 1) {
    const rttMs = network.rttMs * destination.distance * (0.9 + 0.4 * random.next() ** 3)
    const about = { client, rttMs, serverName, random }
    const make = chooseFate({ broken: isBroken(broken, client, at), failureRate, tries, random })
    const fate = make(about)
    placed.push(place(id(), client, destination.agent, at, fate, random))
    if (!random.chance(fate.retry)) return
    at += fate.durationMs + 300 + random.below(2500)
  }
}

function chooseFate({
  broken,
  failureRate,
  tries,
  random,
}: {
  broken: boolean
  failureRate: number
  tries: number
  random: Random
}) {
  if (tries === 0) {
    if (random.chance(PRECONNECTS)) return preconnect
    if (random.chance(PLAIN_HTTP)) return plainHttp
  }
  if (broken) return mtuInbound
  return random.chance(tries === 0 ? failureRate : AGAIN) ? ordinaryFailure : completed
}

function isBroken(incidents: readonly Incident[], client: Client, at: number): boolean {
  if (client.helloBytes <= HOLE_BYTES) return false
  return incidents.some(({ from, until = Number.POSITIVE_INFINITY }) => at >= from && at < until)
}

/** Some clients come much more often than others. */
function pickClient({ clients }: SimulatedNetwork, random: Random): Client {
  return clients[Math.floor(clients.length * random.next() ** 2)] ?? clients[0]
}
