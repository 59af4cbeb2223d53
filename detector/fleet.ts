import { HOURLY_DECAY, PRIOR_CLIENTS, pooledWander } from './baseline.ts'
import { type Batch, createBatch } from './batch.ts'
import { createBesideNetwork } from './beside-network.ts'
import { ignoreAfterAWhile, leaveOutIgnored } from './ignored-clients.ts'
import { judgeStream, noteLevels, type Objection, resetEvidence, type StreamMinute } from './judge.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import type { DetectorOptions } from './options.ts'
import { explainingPrefixes, noteShare } from './prefixes.ts'
import { createSeason } from './season.ts'
import { createShared } from './shared.ts'
import { at, createStreams, F, FLOATS, HOUR_SPOILT, I, INTS, KIND, type Streams } from './streams.ts'
import { type FleetKnowledge, noteMinute, type Row, refresh, teachHour } from './teach.ts'
import { createVolume, type Volume } from './volume/index.ts'
import { contrasted, OUR_SIDE, SHARED_FAULT_RHO } from './world.ts'
import { createWorld, type World } from './world-minute.ts'

/** Evidence short of an incident. */
export type Suspicion = { stream: number; evidence: number; threshold: number; objection: Objection }

/**
 * The detector over columns: streams are numbers, a minute is a batch. A pure function of the minutes: same batches
 * in, same state out, bit for bit. detector.ts puts names on it.
 */
export type Fleet = {
  readonly streams: Streams
  readonly world: World
  readonly lifecycle: Lifecycle
  readonly volume: Volume
  /** The batch to fill before `judge`: rows of a stream together, a network's own before those of its prefixes. */
  readonly batch: Batch
  /** Suspicions of the minute judged last. */
  readonly suspicions: readonly Suspicion[]
  add(kind: number, parent: number): number
  /** Stream of a site, or of the world for ''. */
  sharedStream(site: string): number | undefined
  /** Site of a site's stream. */
  siteOf(stream: number): string | undefined
  /** Judges the batch as the given minute (minutes since 1970) and empties it. */
  judge(minute: number): void
  thresholdOf(stream: number): number
}

/** After so many hours in a row with an excess of the world, that is how the world is now: everyone learns again. */
const SETTLED_HOURS = 24
/** Excess of the world from which a minute teaches nothing for the whole hour. */
const SPOILING_EXCESS = 0.05

export function createFleet(options: DetectorOptions): Fleet {
  const streams = createStreams()
  const season = createSeason()
  const world = createWorld(streams)
  const lifecycle = createLifecycle(streams)
  const volume = createVolume(streams, options.alarm_minutes)
  const batch = createBatch()
  const besideNetwork = createBesideNetwork(streams)
  const row: Row = { floats: streams.floats, ints: streams.ints, f: 0, i: 0 }
  const seen: StreamMinute = {
    tick: 0,
    minute: 0,
    n: 0,
    k: 0,
    completed: 0,
    worst: 0,
    upper: 0,
    mean: 0,
    rho: 0,
  }
  /** Excess per stratum of the network whose rows are under way, for its prefixes. */
  const stratumExcess: number[] = []
  const knowledge: FleetKnowledge = { priorClients: PRIOR_CLIENTS, wander: 0, pool: { cross: 0, square: 0 } }
  let suspicions: Suspicion[] = []
  let tick = 0
  let hour = -1
  let worldExcess = 0
  /** Minutes of this hour, and hours in a row, in which the world had an excess. */
  let sharedMinutes = 0
  let sharedHours = 0
  let sharedNow = false
  let stratumSeason = new Float64Array(0)

  const shared = createShared({ streams, world, lifecycle, options, add })

  function add(kind: number, above: number): number {
    const stream = streams.add(kind, above)
    useRow(stream)
    refresh(row, knowledge, options.parts)
    return stream
  }

  function useRow(stream: number): void {
    row.floats = streams.floats
    row.ints = streams.ints
    row.f = stream * FLOATS
    row.i = stream * INTS
  }

  function judge(minute: number): void {
    if (batch.size === 0) return
    if (Math.floor(minute / 60) !== hour) turnHour(minute)
    tick += 1
    suspicions = []
    seen.tick = tick
    seen.minute = minute
    const hourOfDay = Math.floor(minute / 60) % 24
    if (options.parts.volume) volume.note(batch, world)
    leaveOutIgnored(batch, streams, tick)
    const { parts } = options
    const factors = seasons(hourOfDay)
    if (parts.world || parts.season) world.note(batch, tick, factors)
    judgeBatch()
    if (parts.world)
      suspicions.push(...shared.judge({ tick, minute, season: (site) => season.factor(site, hourOfDay) }))
    if (parts.season) noteSeason(hourOfDay)
    if (sharedNow) sharedMinutes += 1
    sharedNow = false
    lifecycle.passMinute(minute, tick)
    if (options.parts.volume) volume.judge({ minute, tick })
    batch.size = 0
  }

  function turnHour(minute: number): void {
    const first = hour < 0
    hour = Math.floor(minute / 60)
    if (first) return
    sharedHours = sharedMinutes >= 30 ? sharedHours + 1 : 0
    sharedMinutes = 0
    season.turn()
    lifecycle.markHour(minute)
    knowledge.pool.cross *= HOURLY_DECAY
    knowledge.pool.square *= HOURLY_DECAY
    knowledge.wander = pooledWander(knowledge.pool)
    for (let stream = 0; stream < streams.count; stream++) {
      useRow(stream)
      teachHour(row, knowledge, options.parts)
    }
  }

  /** The factor of each stratum in this hour. */
  function seasons(hourOfDay: number): Float64Array {
    if (stratumSeason.length < world.strata.length) stratumSeason = new Float64Array(world.strata.length)
    world.strata.forEach(({ site }, stratum) => {
      stratumSeason[stratum] = season.factor(site, hourOfDay)
    })
    return stratumSeason
  }

  function judgeBatch(): void {
    for (let from = 0; from < batch.size; ) {
      const stream = at(batch.stream, from)
      let to = from + 1
      while (to < batch.size && at(batch.stream, to) === stream) to++
      useRow(stream)
      judgeRows(stream, from, to)
      from = to
    }
  }

  function judgeRows(stream: number, from: number, to: number): void {
    const kind = at(row.ints, row.i + I.KIND)
    const spoilt = sumRows(kind, from, to)
    if (worldExcess > 0 && kind !== KIND.prefix) sharedNow = true
    const settled = sharedHours >= SETTLED_HOURS
    if (spoilt && !settled) row.ints[row.i + I.SPOILT] = at(row.ints, row.i + I.SPOILT) | HOUR_SPOILT.all
    besideNetwork.note(stream, kind, row, seen)
    if (seen.n === 0) return
    if (kind === KIND.prefix) {
      noteShare(streams, stream, seen)
      contrastToNetwork()
      if (seen.n === 0) return
    }
    if (worldExcess === 0 || settled) noteMinute(row, seen.minute, seen.n, seen.k)
    if (at(row.ints, row.i + I.INCIDENT) !== 0) goOn(stream)
    else if (kind !== KIND.unknown && !isCovered(stream, kind)) judgeOne(stream)
    else noteLevels(row, seen, false)
  }

  /** Sums the strata of a stream, each against its own rest of the world. True if the world spoils the hour. */
  function sumRows(kind: number, from: number, to: number): boolean {
    clearSeen()
    worldExcess = 0
    let worstFailed = 0
    for (let r = from; r < to; r++) {
      const stratum = at(batch.stratum, r)
      const excess = excessOf(kind, r, stratum)
      worldExcess = Math.max(worldExcess, excess)
      if (excess > OUR_SIDE) continue
      const n = at(batch.n, r)
      const factor = at(stratumSeason, stratum)
      seen.n += n
      seen.k += at(batch.k, r)
      seen.completed += at(batch.completed, r)
      seen.upper += n * contrasted(at(row.floats, row.f + F.UPPER) * factor, excess)
      seen.mean += n * contrasted(at(row.floats, row.f + F.MEAN) * factor, excess)
      if (at(batch.worstFailed, r) > worstFailed && at(batch.worst, r) !== 0) {
        worstFailed = at(batch.worstFailed, r)
        seen.worst = at(batch.worst, r)
      }
    }
    const rho = at(row.floats, row.f + F.RHO)
    seen.rho = worldExcess > 0 ? Math.max(rho, SHARED_FAULT_RHO) : rho
    return worldExcess > SPOILING_EXCESS
  }

  function clearSeen(): void {
    seen.n = 0
    seen.k = 0
    seen.completed = 0
    seen.worst = 0
    seen.upper = 0
    seen.mean = 0
  }

  function excessOf(kind: number, r: number, stratum: number): number {
    if (!options.parts.world) return 0
    if (kind === KIND.prefix) return stratumExcess[stratum] ?? 0
    const excess = world.excess(batch, r)
    stratumExcess[stratum] = excess
    return excess
  }

  /** A prefix is judged against its network without it: when all of the network fails, that is the network's incident. */
  function contrastToNetwork(): void {
    if (!options.parts.world) return
    const excess = besideNetwork.excess(row, seen)
    if (excess === 0) return
    if (excess > OUR_SIDE) {
      row.ints[row.i + I.LAST] = tick
      seen.n = 0
      return
    }
    seen.upper = seen.n * contrasted(seen.upper / seen.n, excess)
    seen.rho = Math.max(seen.rho, SHARED_FAULT_RHO)
    if (excess > SPOILING_EXCESS) row.ints[row.i + I.SPOILT] = HOUR_SPOILT.all
  }

  function goOn(stream: number): void {
    noteLevels(row, seen, true)
    lifecycle.goesOn(row, stream, seen, worldExcess)
    const record = lifecycle.incidentOf(stream)
    if (record !== undefined) record.prefixes = explainingPrefixes(streams, stream)
  }

  /** Whether the network's open incident already speaks for this prefix. */
  function isCovered(stream: number, kind: number): boolean {
    if (kind !== KIND.prefix) return false
    const above = at(streams.ints, stream * INTS + I.PARENT)
    if (at(streams.ints, above * INTS + I.INCIDENT) === 0) return false
    resetEvidence(row)
    return true
  }

  function judgeOne(stream: number): void {
    const threshold = thresholdOf(stream)
    const judgement = judgeStream(row, seen, threshold, options)
    const { evidence, alarm, objection } = judgement
    const suspect = evidence >= options.suspect_evidence
    noteLevels(row, seen, suspect && objection !== 'extra_traffic')
    if (alarm && isExplainedByPrefixes(stream)) return
    if (alarm) {
      lifecycle.opens(row, stream, seen, worldExcess)
      mergePrefixes(stream)
      return
    }
    if (suspect) suspicions.push({ stream, evidence, threshold, objection })
    if (objection === 'one_client') ignoreAfterAWhile(row, tick)
    // A scan teaches nothing, and its evidence must not outlive it, nor hide a fault that comes while it lasts.
    if (objection === 'extra_traffic') {
      row.ints[row.i + I.SPOILT] = HOUR_SPOILT.all
      resetEvidence(row)
    }
  }

  /** Whether prefixes with incidents of their own account for the network's alarm. */
  function isExplainedByPrefixes(stream: number): boolean {
    const explaining = explainingPrefixes(streams, stream)
    return (
      explaining.length > 0 &&
      explaining.every((prefix) => at(streams.ints, prefix * INTS + I.INCIDENT) !== 0)
    )
  }

  function mergePrefixes(stream: number): void {
    const record = lifecycle.incidentOf(stream)
    if (record !== undefined) record.prefixes = explainingPrefixes(streams, stream)
    let child = at(streams.ints, stream * INTS + I.FIRST_CHILD)
    for (; child >= 0; child = at(streams.ints, child * INTS + I.NEXT_SIBLING)) {
      lifecycle.closes(child, seen.minute, tick)
    }
  }

  function noteSeason(hourOfDay: number): void {
    for (const { site, failed, excess, recent } of world.strata) {
      if (recent.excess * recent.excess > 9 * recent.variance && recent.excess > 0.02 * recent.weight)
        continue
      season.note(site, hourOfDay, failed, (failed - excess) / season.factor(site, hourOfDay))
    }
  }

  function thresholdOf(stream: number): number {
    const i = stream * INTS
    const scale = Math.max(1, streams.count / options.streams_at_base)
    const base = options.alarm_minutes * scale
    const above = at(streams.ints, i + I.PARENT)
    if (above >= 0) return base * 2 * at(streams.ints, above * INTS + I.CHILDREN)
    return at(streams.ints, i + I.CHILDREN) > 0 ? base * 2 : base
  }

  return {
    streams,
    world,
    lifecycle,
    volume,
    batch,
    get suspicions() {
      return suspicions
    },
    add,
    sharedStream: shared.streamOf,
    siteOf: shared.siteOf,
    judge,
    thresholdOf,
  }
}
