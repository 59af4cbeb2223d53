import { PRIOR_CLIENTS } from './baseline.ts'
import type { Suspicion } from './fleet.ts'
import { judgeStream, resetEvidence, type StreamMinute } from './judge.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { DetectorOptions } from './options.ts'
import { at, F, FLOATS, I, INTS, KIND, type Streams } from './streams.ts'
import { noteMinute, type Row } from './teach.ts'
import { contrasted, excessWithout, OUR_SIDE, SHARED_FAULT_RHO } from './world.ts'
import type { Stratum, World } from './world-minute.ts'

/** Judges what all networks share: each site against the other sites, and the world as a whole. */
export type Shared = {
  /** Stream of a site, or of the world for ''; undefined before its first minute. */
  streamOf(site: string): number | undefined
  siteOf(stream: number): string | undefined
  judge(minute: SharedMinute): Suspicion[]
}

export type SharedMinute = { tick: number; minute: number; season: (site: string) => number }

type Needs = {
  streams: Streams
  world: World
  lifecycle: Lifecycle
  options: DetectorOptions
  add: (kind: number, parent: number) => number
}

type Sums = {
  site: string
  clients: number
  failed: number
  weight: number
  excess: number
  variance: number
}

const WORLD = ''
const SITE = 'site '
/** More than half of the networks, by weight, must have their part in a shared fault. */
const BREADTH = 0.5

export function createShared({ streams, world, lifecycle, options, add }: Needs): Shared {
  const streamOf = new Map<string, number>()

  function judge(now: SharedMinute): Suspicion[] {
    const sites = sitesOf(world.strata)
    const worst = sites.length > 1 ? worstOf(sites) : undefined
    const rest = sites.filter((site) => site !== worst)
    const found = [judgeOne(WORLD, KIND.world, rest, 0, now, () => true)]
    if (sites.length > 1) for (const site of sites) found.push(judgeSite(site, sites, now))
    return found.filter((suspicion) => suspicion !== undefined)
  }

  function judgeSite(site: Sums, sites: Sums[], now: SharedMinute): Suspicion | undefined {
    const excess = excessWithout(total(sites), site)
    const here = (stratum: number) => world.strata[stratum]?.site === site.site
    return judgeOne(SITE + site.site, KIND.site, [site], excess, now, here)
  }

  function judgeOne(
    name: string,
    kind: number,
    parts: Sums[],
    elsewhere: number,
    now: SharedMinute,
    includes: (stratum: number) => boolean,
  ): Suspicion | undefined {
    const stream = streamOf.get(name) ?? add(kind, -1)
    streamOf.set(name, stream)
    const row: Row = { floats: streams.floats, ints: streams.ints, f: stream * FLOATS, i: stream * INTS }
    const seen = minuteOf(row, parts, elsewhere, now)
    if (seen.n === 0 || elsewhere > OUR_SIDE) return undefined
    row.ints[row.i + I.LAST] = now.tick
    if (elsewhere === 0) noteMinute(row, now.minute, seen.n, seen.k)
    if (at(row.ints, row.i + I.INCIDENT) !== 0) {
      lifecycle.goesOn(row, stream, seen, elsewhere)
      return undefined
    }
    if (kind === KIND.site && isOpen(WORLD)) {
      resetEvidence(row)
      return undefined
    }
    return weigh(row, stream, seen, elsewhere, includes)
  }

  function weigh(
    row: Row,
    stream: number,
    seen: StreamMinute,
    elsewhere: number,
    includes: (stratum: number) => boolean,
  ): Suspicion | undefined {
    const threshold = options.alarm_minutes
    const parts = { ...options.parts, worst_client: false, extra_traffic: false }
    const { evidence, alarm } = judgeStream(row, seen, threshold, { ...options, parts })
    if (alarm && isKnown(row) && world.breadth(seen.tick, includes) >= BREADTH) {
      lifecycle.opens(row, stream, seen, elsewhere)
      return undefined
    }
    return evidence >= options.suspect_evidence ? { stream, evidence, threshold, objection: '' } : undefined
  }

  function isOpen(name: string): boolean {
    const stream = streamOf.get(name)
    return stream !== undefined && at(streams.ints, stream * INTS + I.INCIDENT) !== 0
  }

  function siteOf(stream: number): string | undefined {
    for (const [name, of] of streamOf) if (of === stream && name !== WORLD) return name.slice(SITE.length)
    return undefined
  }

  return { streamOf: (site) => streamOf.get(site === '' ? WORLD : SITE + site), siteOf, judge }
}

/** In its first hour a world is only judged by what no ordinary fleet shows: most handshakes failing. */
function isKnown(row: Row): boolean {
  const { floats, f } = row
  if (at(floats, f + F.HISTORY_N) >= PRIOR_CLIENTS) return true
  return (at(floats, f + F.K) - at(floats, f + F.EXPECTED)) / at(floats, f + F.N) > OUR_SIDE
}

/** Capped clients as whole numbers, without the network that adds most to the excess. */
function minuteOf(row: Row, parts: Sums[], elsewhere: number, now: SharedMinute): StreamMinute {
  const clients = parts.reduce((sum, { clients }) => sum + clients, 0)
  const n = Math.round(clients)
  const k = Math.min(n, Math.round(parts.reduce((sum, { failed }) => sum + failed, 0)))
  const season =
    clients > 0 ? parts.reduce((sum, { site, clients }) => sum + clients * now.season(site), 0) / clients : 1
  const rho = at(row.floats, row.f + F.RHO)
  return {
    tick: now.tick,
    minute: now.minute,
    n,
    k,
    completed: n - k,
    worst: 0,
    upper: n * contrasted(at(row.floats, row.f + F.UPPER) * season, elsewhere),
    mean: n * contrasted(at(row.floats, row.f + F.MEAN) * season, elsewhere),
    rho: elsewhere > 0 ? Math.max(rho, SHARED_FAULT_RHO) : rho,
  }
}

function sitesOf(strata: readonly Stratum[]): Sums[] {
  const sites = new Map<string, Sums>()
  for (const stratum of strata) {
    if (stratum.weight === 0) continue
    const { site, weight, excess, variance, failed, largestWeight, largestFailed } = stratum
    const sums = sites.get(site) ?? { site, clients: 0, failed: 0, weight: 0, excess: 0, variance: 0 }
    sums.clients += weight - largestWeight
    sums.failed += failed - largestFailed
    sums.weight += weight
    sums.excess += excess
    sums.variance += variance
    sites.set(site, sums)
  }
  return [...sites.values()]
}

function worstOf(sites: Sums[]): Sums | undefined {
  return sites.reduce((worst, site) => (site.excess > worst.excess ? site : worst))
}

function total(sites: Sums[]) {
  const sums = { weight: 0, excess: 0, variance: 0 }
  for (const { weight, excess, variance } of sites) {
    sums.weight += weight
    sums.excess += excess
    sums.variance += variance
  }
  return sums
}
