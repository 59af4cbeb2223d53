import { PRIOR_CLIENTS } from './baseline.ts'
import type { Batch } from './batch.ts'
import { at, F, FLOATS, I, INTS, increase, KIND, type Streams } from './streams.ts'
import { cappedWeight, excessWithout, rateVariance } from './world.ts'

/** Sums of one stratum in one minute, and over the last five minutes with exponential forgetting. */
export type Stratum = {
  site: string
  ip_version: number
  clients: number
  networks: number
  weight: number
  excess: number
  variance: number
  /** Σ weight · failure rate, and the largest single contribution to the excess with its weight and failures. */
  failed: number
  largestExcess: number
  largestWeight: number
  largestFailed: number
  recent: { weight: number; excess: number; variance: number }
}

export type World = {
  readonly strata: readonly Stratum[]
  stratum(site: string, ip_version: number): number
  /** Takes in a minute: what every network adds to its strata. */
  note(batch: Batch, tick: number, season: Float64Array): void
  /** Excess of the world without the network whose row `row` is, in that row's stratum: the worse of one and five minutes. */
  excess(batch: Batch, row: number): number
  /** Share of the recent weight in the strata asked for that belongs to networks with a fair part of the excess. */
  breadth(tick: number, includes: (stratum: number) => boolean): number
}

/** Recent sums forget with a time constant of five minutes. */
const FORGET = Math.exp(-1 / 5)
const CELL = { weight: 0, excess: 1, variance: 2, tick: 3 } as const
const CELL_FIELDS = 4
const MOST_STRATA = 1024
/** A network without a history says something about the world only when it fails more than any usually does. */
const STRANGE_RATE = 0.2
/** A network shares in the excess when it shows at least this part of the mean excess. */
const FAIR_PART = 0.25

export function createWorld(streams: Streams): World {
  const strata: Stratum[] = []
  const strataByName = new Map<string, number>()
  const cellOf = new Map<number, number>()
  let cells = new Float64Array(64 * CELL_FIELDS)
  let lastStratum = -1
  let rowWeight = new Float64Array(0)
  let rowExcess = new Float64Array(0)
  let rowVariance = new Float64Array(0)

  function stratum(site: string, ip_version: number): number {
    const last = strata[lastStratum]
    if (last !== undefined && last.site === site && last.ip_version === ip_version) return lastStratum
    lastStratum = findStratum(site, ip_version)
    return lastStratum
  }

  function findStratum(site: string, ip_version: number): number {
    const name = `${ip_version} ${site}`
    const known = strataByName.get(name)
    if (known !== undefined) return known
    const index = Math.min(strata.length, MOST_STRATA - 1)
    if (index === strata.length) strata.push(emptyStratum(site, ip_version))
    strataByName.set(name, index)
    return index
  }

  function cell(stream: number, of: number): number {
    const key = stream * MOST_STRATA + of
    const known = cellOf.get(key)
    if (known !== undefined) return known
    const index = cellOf.size * CELL_FIELDS
    if (index === cells.length) {
      const wider = new Float64Array(cells.length * 2)
      wider.set(cells)
      cells = wider
    }
    cellOf.set(key, index)
    return index
  }

  function note(batch: Batch, tick: number, season: Float64Array): void {
    for (const each of strata) passMinute(each)
    makeRoom(batch.size)
    for (let row = 0; row < batch.size; row++) {
      if (!counts(batch, row)) continue
      const into = strata[at(batch.stratum, row)]
      if (into === undefined) continue
      into.clients += at(batch.n, row)
      into.networks += 1
    }
    for (let row = 0; row < batch.size; row++) noteRow(batch, row, tick, season)
    for (const each of strata) {
      each.recent.weight += each.weight
      each.recent.excess += each.excess
      each.recent.variance += each.variance
    }
  }

  function noteRow(batch: Batch, row: number, tick: number, season: Float64Array): void {
    rowWeight[row] = 0
    rowExcess[row] = 0
    rowVariance[row] = 0
    const stream = at(batch.stream, row)
    const of = at(batch.stratum, row)
    const into = strata[of]
    if (into === undefined || !isNetwork(stream)) return
    const own = freshCell(stream, of, tick)
    if (!counts(batch, row)) {
      leaveRecent(into, own)
      return
    }
    const n = at(batch.n, row)
    const rate = at(batch.k, row) / n
    const mean = Math.min(0.9, at(streams.floats, stream * FLOATS + F.MEAN) * at(season, of))
    const weight = cappedWeight(n, into.clients, into.networks)
    rowWeight[row] = weight
    rowExcess[row] = weight * (isKnown(stream) ? rate - mean : Math.max(0, rate - STRANGE_RATE))
    rowVariance[row] = weight * weight * rateVariance(n, mean, at(streams.floats, stream * FLOATS + F.RHO))
    addToStratum(into, row, weight * rate)
    increase(cells, own + CELL.weight, weight)
    increase(cells, own + CELL.excess, at(rowExcess, row))
    increase(cells, own + CELL.variance, at(rowVariance, row))
  }

  function addToStratum(into: Stratum, row: number, failed: number): void {
    const weight = at(rowWeight, row)
    const excess = at(rowExcess, row)
    into.weight += weight
    into.excess += excess
    into.variance += at(rowVariance, row)
    into.failed += failed
    if (excess <= into.largestExcess) return
    into.largestExcess = excess
    into.largestWeight = weight
    into.largestFailed = failed
  }

  function freshCell(stream: number, of: number, tick: number): number {
    const index = cell(stream, of)
    const passed = tick - at(cells, index + CELL.tick)
    const faded = passed === 1 ? FORGET : FORGET ** passed
    for (let field: number = CELL.weight; field <= CELL.variance; field++) {
      cells[index + field] = at(cells, index + field) * faded
    }
    cells[index + CELL.tick] = tick
    return index
  }

  /** A network with an open incident is explained: it says nothing about the world any more. */
  function leaveRecent(from: Stratum, own: number): void {
    from.recent.weight -= at(cells, own + CELL.weight)
    from.recent.excess -= at(cells, own + CELL.excess)
    from.recent.variance -= at(cells, own + CELL.variance)
    cells.fill(0, own, own + CELL.tick)
  }

  function excess(batch: Batch, row: number): number {
    const of = at(batch.stratum, row)
    const sums = strata[of]
    if (sums === undefined) return 0
    const thisMinute = excessWithout(sums, {
      weight: at(rowWeight, row),
      excess: at(rowExcess, row),
      variance: at(rowVariance, row),
    })
    if (sums.recent.excess <= 0) return thisMinute
    const index = cellOf.get(at(batch.stream, row) * MOST_STRATA + of)
    const recently = index === undefined ? NOTHING : cellSums(index)
    return Math.max(thisMinute, excessWithout(sums.recent, recently))
  }

  function cellSums(index: number) {
    return {
      weight: at(cells, index + CELL.weight),
      excess: at(cells, index + CELL.excess),
      variance: at(cells, index + CELL.variance),
    }
  }

  function breadth(tick: number, includes: (stratum: number) => boolean): number {
    const chosen = strata.filter((_, index) => includes(index))
    const all = chosen.reduce((sum, each) => sum + each.recent.weight, 0)
    const excess = chosen.reduce((sum, each) => sum + each.recent.excess, 0)
    if (all <= 0 || excess <= 0) return 0
    let broad = 0
    for (const [key, index] of cellOf) {
      const weight = at(cells, index + CELL.weight)
      if (weight === 0 || !includes(key % MOST_STRATA)) continue
      const fair = at(cells, index + CELL.excess) / weight > (FAIR_PART * excess) / all
      if (fair) broad += weight * FORGET ** (tick - at(cells, index + CELL.tick))
    }
    return broad / all
  }

  function isNetwork(stream: number): boolean {
    const kind = at(streams.ints, stream * INTS + I.KIND)
    return kind === KIND.network || kind === KIND.unknown
  }

  /** Whether a network's own history says more than the prior. */
  function isKnown(stream: number): boolean {
    return at(streams.floats, stream * FLOATS + F.HISTORY_N) >= PRIOR_CLIENTS
  }

  function counts(batch: Batch, row: number): boolean {
    const stream = at(batch.stream, row)
    return isNetwork(stream) && at(batch.n, row) > 0 && at(streams.ints, stream * INTS + I.INCIDENT) === 0
  }

  function makeRoom(size: number): void {
    if (rowWeight.length >= size) return
    rowWeight = new Float64Array(size * 2)
    rowExcess = new Float64Array(size * 2)
    rowVariance = new Float64Array(size * 2)
  }

  return { strata, stratum, note, excess, breadth }
}

const NOTHING = { weight: 0, excess: 0, variance: 0 }

function emptyStratum(site: string, ip_version: number): Stratum {
  const sums = { clients: 0, networks: 0, weight: 0, excess: 0, variance: 0, failed: 0 }
  const largest = { largestExcess: 0, largestWeight: 0, largestFailed: 0 }
  return { site, ip_version, ...sums, ...largest, recent: { weight: 0, excess: 0, variance: 0 } }
}

function passMinute(stratum: Stratum): void {
  Object.assign(stratum, { clients: 0, networks: 0, weight: 0, excess: 0, variance: 0, failed: 0 })
  Object.assign(stratum, { largestExcess: 0, largestWeight: 0, largestFailed: 0 })
  stratum.recent.weight *= FORGET
  stratum.recent.excess *= FORGET
  stratum.recent.variance *= FORGET
}
