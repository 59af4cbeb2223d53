import type { Batch } from './batch.ts'
import { at, I, INTS, increase, KIND, type Streams } from './streams.ts'
import type { World } from './world-minute.ts'

/**
 * Networks of which fewer clients come than usual at that hour. A hole that swallows whole connections leaves no failed
 * handshake to count; what it leaves is less. The verdict is "fewer", never "failing".
 *
 * The usual number is learned for each site and hour of the day; all networks of a site that come less together (a
 * holiday, an agent that is down) are allowed for, each against the others. The evidence is that of evidence.ts with
 * Poisson minutes, spread by what their own counts spread: for each missing share D of {.5, .8, .97}
 *
 *   l = (n·ln(1−D) + D·λ)/φ,  R ← (R+1)·exp(l),  E = mean of R
 */
export type Volume = {
  readonly open: ReadonlySet<VolumeRecord>
  /** Adds the clients of a minute; call it before `judge`. */
  note(batch: Batch, world: World): void
  judge(now: { minute: number; tick: number }): void
  openOf(stream: number): VolumeRecord | undefined
  /** Ends what is open of a stream before `minute` is judged; it teaches anew from there. */
  closesByHand(stream: number, minute: number): void
  /** Records that changed since the last call. */
  changes(): VolumeRecord[]
  bytes(): number
}

/** Minutes since 1970; clients since the onset, and how many were usual. */
export type VolumeRecord = {
  stream: number
  state: 'open' | 'closed'
  onset: number
  opened: number
  closed: number
  /** Somebody ended it, not the figures. */
  byHand: boolean
  evidence: number
  seen: number
  usual: number
  /** Share of the clients of the same sites' other networks that are missing too. */
  elsewhere: number
}

const MISSING = [0.5, 0.8, 0.97] as const
const HOURS = 24
/** Clients a minute below which nothing can be missed in time. */
const SMALLEST_USUAL = 0.5
/** What is missing must be half of the usual, and so many clients, over so many minutes. */
const SMALLEST_SHARE = 0.5
const SMALLEST_MISSING = 30
const SMALLEST_MINUTES = 5
/** Hours learned before a network is judged: two days. */
const LEARNED = 48
/** Days that an hour's usual number remembers. */
const MEMORY_DAYS = 5
/** Usual numbers are kept as logarithms, in 16 bits: to a fortieth of a percent, up to ten million. */
const USUAL_STEPS = 4_000
/** Minutes of an hour that must have had data, for the hour to teach. */
const FULL_HOUR = 30
/** Between days the same hour differs by so much; own experience joins with the weight of so many hours. */
const USUAL_DEVIATION = 0.25
const USUAL_SPREAD = 2
const PRIOR_HOURS = 12
const HOURLY_LEFT = 2 ** (-1 / (7 * 24))
const LARGEST_SPREAD = 20
/** The sites' levels look back some minutes. */
const FORGET = Math.exp(-1 / 5)
/** Below this the others tell nothing. */
const FEW_OTHERS = 5
/** Below this share of the usual the site itself is in trouble, and its hours do not teach. */
const SITE_IN_TROUBLE = 0.8
const RECOVERY = 4.6
const LARGEST_RECOVERY = 6
const GOOD_MINUTES = 10
/** What has lasted so long is how the network is now. */
const SETTLED_MINUTES = 3 * 24 * 60
const LARGEST_SCORE = 1e30

/** Fields of a network. */
const N = {
  R: 0,
  C: 3,
  SEEN: 4,
  USUAL: 5,
  REVERSE: 6,
  /** Squared deviation of hours, and its weight; spread of minutes, and its weight. */
  DEVIATION: 7,
  DEVIATION_WEIGHT: 8,
  SPREAD: 9,
  SPREAD_WEIGHT: 10,
  /** This hour: squares of its minutes. */
  SQUARES: 11,
} as const
const NETWORK_FIELDS = 12
const NI = { STREAM: 0, ONSET: 1, MINUTES: 2, GOOD: 3, FIRST_CELL: 4, LEARNED: 5 } as const
const NETWORK_INTS = 6
/** Fields of a cell, a network at a site: this minute's clients, this hour's, lately and usually lately; and its usual hours. */
const C = { NOW: 0, HOUR: 1, LATELY: 2, LATELY_USUAL: 3 } as const
const CELL_FIELDS = 4
const CI = { SITE: 0, NEXT: 1 } as const
const CELL_INTS = 2

/** What its networks have and usually have: in this minute, and lately. */
type Site = { now: number; nowUsual: number; lately: number; usual: number }

export function createVolume(streams: Streams, alarmMinutes: number): Volume {
  const networks = table(NETWORK_FIELDS, NETWORK_INTS, 0)
  const cells = table(CELL_FIELDS, CELL_INTS, HOURS)
  const networkOf = new Map<number, number>()
  const siteOf = new Map<string, number>()
  const sites: Site[] = []
  const open = new Set<VolumeRecord>()
  const openOn = new Map<number, VolumeRecord>()
  let changed = new Set<VolumeRecord>()
  let hour = -1
  let ticks = 0
  const cap = Math.exp(Math.log(alarmMinutes) / 2)

  function note(batch: Batch, world: World): void {
    for (let r = 0; r < batch.size; r++) {
      const stream = at(batch.stream, r)
      if (at(streams.ints, stream * INTS + I.KIND) !== KIND.network) continue
      const site = world.strata[at(batch.stratum, r)]?.site ?? ''
      increase(cells.floats, cellOf(networkAt(stream), siteAt(site)) * CELL_FIELDS + C.NOW, at(batch.n, r))
    }
  }

  function networkAt(stream: number): number {
    const known = networkOf.get(stream)
    if (known !== undefined) return known
    const network = networks.add()
    networks.ints[network * NETWORK_INTS + NI.STREAM] = stream
    networks.ints[network * NETWORK_INTS + NI.FIRST_CELL] = -1
    networkOf.set(stream, network)
    return network
  }

  function siteAt(name: string): number {
    const known = siteOf.get(name)
    if (known !== undefined) return known
    siteOf.set(name, sites.length)
    return sites.push({ now: 0, nowUsual: 0, lately: 0, usual: 0 }) - 1
  }

  /** A network has few sites: a list is as quick as a table, and smaller. */
  function cellOf(network: number, site: number): number {
    const i = network * NETWORK_INTS
    const first = at(networks.ints, i + NI.FIRST_CELL)
    for (let cell = first; cell >= 0; cell = at(cells.ints, cell * CELL_INTS + CI.NEXT)) {
      if (at(cells.ints, cell * CELL_INTS + CI.SITE) === site) return cell
    }
    const cell = cells.add()
    cells.ints[cell * CELL_INTS + CI.SITE] = site
    cells.ints[cell * CELL_INTS + CI.NEXT] = first
    networks.ints[i + NI.FIRST_CELL] = cell
    return cell
  }

  function judge({ minute, tick }: { minute: number; tick: number }): void {
    const now = Math.floor(minute / 60)
    if (now !== hour) turnHour(now)
    ticks += 1
    noteSites(minute)
    for (let network = 0; network < networks.count; network++) judgeNetwork(network, minute, tick)
  }

  /** What the sites see of their networks' usual traffic, over the last minutes. */
  function noteSites(minute: number): void {
    for (const site of sites) {
      site.now = 0
      site.nowUsual = 0
      site.lately *= FORGET
      site.usual *= FORGET
    }
    for (let cell = 0; cell < cells.count; cell++) {
      const f = cell * CELL_FIELDS
      const usual = usualOf(cell, minute)
      cells.floats[f + C.LATELY] = at(cells.floats, f + C.LATELY) * FORGET
      cells.floats[f + C.LATELY_USUAL] = at(cells.floats, f + C.LATELY_USUAL) * FORGET
      if (usual < 0) continue
      const site = sites[at(cells.ints, cell * CELL_INTS + CI.SITE)]
      if (site === undefined) continue
      const seen = at(cells.floats, f + C.NOW)
      increase(cells.floats, f + C.LATELY, seen)
      increase(cells.floats, f + C.LATELY_USUAL, usual)
      site.now += seen
      site.nowUsual += usual
      site.lately += seen
      site.usual += usual
    }
  }

  /** Clients a minute that are usual in an hour of the day; −1 while unknown. */
  function usualIn(cell: number, hourOfDay: number): number {
    const code = cells.shorts[cell * HOURS + hourOfDay] ?? 0
    return code === 0 ? -1 : Math.expm1((code - 1) / USUAL_STEPS)
  }

  /** Between the middles of two hours, so that a morning does not come in steps; −1 while unknown. */
  function usualOf(cell: number, minute: number): number {
    const hourOfDay = Math.floor(minute / 60) % HOURS
    const here = usualIn(cell, hourOfDay)
    if (here < 0) return -1
    const past = ((minute % 60) + 0.5) / 60
    const other = usualIn(cell, (hourOfDay + (past < 0.5 ? HOURS - 1 : 1)) % HOURS)
    const weight = Math.abs(past - 0.5)
    return other < 0 ? here : here * (1 - weight) + other * weight
  }

  /** The share of their usual traffic that the other networks of a site have, now or lately, at most all of it. */
  function others(cell: number, minute: number): number {
    const site = sites[at(cells.ints, cell * CELL_INTS + CI.SITE)]
    if (site === undefined) return 1
    const f = cell * CELL_FIELDS
    // A site that loses its agent does so from one minute to the next.
    const own = Math.max(0, usualOf(cell, minute))
    return Math.min(lately(cell), shareOf(site.now - at(cells.floats, f + C.NOW), site.nowUsual - own))
  }

  function lately(cell: number): number {
    const site = sites[at(cells.ints, cell * CELL_INTS + CI.SITE)]
    if (site === undefined) return 1
    const f = cell * CELL_FIELDS
    return shareOf(
      site.lately - at(cells.floats, f + C.LATELY),
      site.usual - at(cells.floats, f + C.LATELY_USUAL),
    )
  }

  function judgeNetwork(network: number, minute: number, tick: number): void {
    const [f, i] = [network * NETWORK_FIELDS, network * NETWORK_INTS]
    let [seen, usual, allowed] = [0, 0, 0]
    for (
      let cell = at(networks.ints, i + NI.FIRST_CELL);
      cell >= 0;
      cell = at(cells.ints, cell * CELL_INTS + CI.NEXT)
    ) {
      const c = cell * CELL_FIELDS
      const now = at(cells.floats, c + C.NOW)
      const expected = usualOf(cell, minute)
      seen += now
      increase(cells.floats, c + C.HOUR, now)
      if (expected > 0) {
        usual += expected
        allowed += expected * others(cell, minute)
      }
      cells.floats[c + C.NOW] = 0
    }
    increase(networks.floats, f + N.SQUARES, seen * seen)
    const stream = at(networks.ints, i + NI.STREAM)
    const record = openOn.get(stream)
    if (usual === 0 || at(networks.ints, i + NI.LEARNED) < LEARNED) return
    const deviation = Math.sqrt(
      at(networks.floats, f + N.DEVIATION) / at(networks.floats, f + N.DEVIATION_WEIGHT),
    )
    const certain = allowed * Math.max(0, 1 - 2 * deviation)
    const spread = at(networks.floats, f + N.SPREAD) / at(networks.floats, f + N.SPREAD_WEIGHT)
    if (record !== undefined) goOn(record, { f, i, seen, allowed, spread, minute, tick })
    else if (certain >= SMALLEST_USUAL)
      weigh({ f, i, stream, seen, allowed, certain, spread, minute, tick, elsewhere: 1 - allowed / usual })
    else networks.floats.fill(0, f + N.R, f + N.USUAL + 1)
  }

  function weigh(now: Weighing): void {
    const { f, i, stream, seen, allowed, certain, spread, minute, tick, elsewhere } = now
    const { floats, ints } = networks
    if (at(floats, f + N.C) === 0) {
      floats[f + N.SEEN] = 0
      floats[f + N.USUAL] = 0
      ints[i + NI.ONSET] = minute
      ints[i + NI.MINUTES] = 0
    }
    const [evidence, growth] = accumulate(f, seen, certain, spread)
    const c = Math.max(0, at(floats, f + N.C) + growth)
    floats[f + N.C] = c
    if (c === 0) return
    increase(floats, f + N.SEEN, seen)
    increase(floats, f + N.USUAL, allowed)
    increase(ints, i + NI.MINUTES, 1)
    const missing = at(floats, f + N.USUAL) - at(floats, f + N.SEEN)
    const enough = missing >= SMALLEST_MISSING && missing >= SMALLEST_SHARE * at(floats, f + N.USUAL)
    if (evidence < thresholdNow() || !enough || at(ints, i + NI.MINUTES) < SMALLEST_MINUTES) return
    opens({ f, i, stream, minute, tick, evidence, elsewhere })
  }

  /** As for failures: twice, since a network may alarm by either, and more where there are more of them. */
  function thresholdNow(): number {
    return 2 * alarmMinutes * Math.max(1, networks.count / 10_000)
  }

  function accumulate(f: number, seen: number, usual: number, spread: number): [number, number] {
    let [before, after] = [0, 0]
    MISSING.forEach((share, d) => {
      const waiting = at(networks.floats, f + N.R + d) + 1
      const factor = Math.exp((seen * Math.log(1 - share) + share * usual) / spread)
      const next = Math.min(LARGEST_SCORE, waiting * Math.min(cap, factor))
      before += waiting
      after += next
      networks.floats[f + N.R + d] = next
    })
    return [after / MISSING.length, Math.log(after / before)]
  }

  function opens({ f, i, stream, minute, tick, evidence, elsewhere }: Opening): void {
    const record: VolumeRecord = {
      ...{
        stream,
        state: 'open' as const,
        onset: at(networks.ints, i + NI.ONSET),
        opened: minute,
        closed: 0,
        byHand: false,
      },
      ...{
        evidence,
        seen: at(networks.floats, f + N.SEEN),
        usual: at(networks.floats, f + N.USUAL),
        elsewhere,
      },
    }
    networks.floats[f + N.REVERSE] = 0
    networks.ints[i + NI.GOOD] = tick
    open.add(record)
    openOn.set(stream, record)
    changed.add(record)
  }

  /** The reverse test: as usual, against half of what has been missing so far. */
  function goOn(record: VolumeRecord, { f, i, seen, allowed, spread, minute, tick }: GoingOn): void {
    record.seen += seen
    record.usual += allowed
    const missing = Math.max(0.2, 1 - record.seen / record.usual) / 2
    const before = at(networks.floats, f + N.REVERSE)
    const step = -(seen * Math.log(1 - missing) + missing * allowed) / spread
    const reverse = Math.min(LARGEST_RECOVERY, Math.max(0, before + step))
    networks.floats[f + N.REVERSE] = reverse
    if (reverse < RECOVERY) networks.ints[i + NI.GOOD] = tick
    if ((minute - record.opened) % 5 === 0) changed.add(record)
    const settled = minute - record.opened >= SETTLED_MINUTES
    if (settled) networks.ints[i + NI.LEARNED] = 0
    const over = tick - at(networks.ints, i + NI.GOOD) >= GOOD_MINUTES
    if (over || settled) close(record, f, minute)
  }

  function close(record: VolumeRecord, f: number, minute: number): void {
    Object.assign(record, { state: 'closed', closed: minute + 1 })
    networks.floats.fill(0, f + N.R, f + N.REVERSE + 1)
    open.delete(record)
    openOn.delete(record.stream)
    changed.add(record)
  }

  function turnHour(next: number): void {
    const first = hour < 0
    const hourOfDay = ((hour % HOURS) + HOURS) % HOURS
    hour = next
    if (!first && ticks >= FULL_HOUR) {
      for (let network = 0; network < networks.count; network++) teach(network, hourOfDay)
    }
    ticks = 0
    cells.forEach((f) => {
      cells.floats[f + C.HOUR] = 0
    })
    networks.forEach((f) => {
      networks.floats[f + N.SQUARES] = 0
    })
  }

  /** The hour joins what is usual, unless something was missing in it. */
  function teach(network: number, hourOfDay: number): void {
    const [f, i] = [network * NETWORK_FIELDS, network * NETWORK_INTS]
    if (openOn.has(at(networks.ints, i + NI.STREAM)) || at(networks.floats, f + N.C) > 3) return
    const known = Math.floor(at(networks.ints, i + NI.LEARNED) / HOURS)
    const share = 1 / Math.min(known + 1, MEMORY_DAYS)
    let [sum, usual, whole] = [0, 0, true]
    for (
      let cell = at(networks.ints, i + NI.FIRST_CELL);
      cell >= 0;
      cell = at(cells.ints, cell * CELL_INTS + CI.NEXT)
    ) {
      const c = cell * CELL_FIELDS
      const rate = at(cells.floats, c + C.HOUR) / ticks
      const before = usualIn(cell, hourOfDay)
      sum += rate
      if (before < 0) whole = false
      const elsewhere = lately(cell)
      usual += Math.max(0, before) * elsewhere
      if (before >= 0 && elsewhere < SITE_IN_TROUBLE) continue
      const usualNow = before < 0 ? rate : before + share * (rate - before)
      cells.shorts[cell * HOURS + hourOfDay] = 1 + Math.round(Math.log1p(usualNow) * USUAL_STEPS)
    }
    increase(networks.ints, i + NI.LEARNED, 1)
    learnSpread(f, sum)
    if (whole && usual > 0) learnDeviation(f, sum, usual)
    else if (at(networks.floats, f + N.DEVIATION_WEIGHT) === 0) learnDeviation(f, 0, 0)
  }

  /** How much minutes spread beyond Poisson's, which is 1. */
  function learnSpread(f: number, mean: number): void {
    const { floats } = networks
    const weight = at(floats, f + N.SPREAD_WEIGHT) || PRIOR_HOURS
    const sum = at(floats, f + N.SPREAD) || PRIOR_HOURS * USUAL_SPREAD
    const variance = at(floats, f + N.SQUARES) / ticks - mean * mean
    const spread = mean > 0 ? Math.min(LARGEST_SPREAD, Math.max(1, variance / mean)) : 1
    floats[f + N.SPREAD] = sum * HOURLY_LEFT + spread
    floats[f + N.SPREAD_WEIGHT] = weight * HOURLY_LEFT + 1
  }

  /** How much the same hour differs from day to day, beyond what counting explains. */
  function learnDeviation(f: number, mean: number, usual: number): void {
    const { floats } = networks
    const weight = at(floats, f + N.DEVIATION_WEIGHT) || PRIOR_HOURS
    const sum = at(floats, f + N.DEVIATION) || PRIOR_HOURS * USUAL_DEVIATION ** 2
    if (usual === 0) {
      floats[f + N.DEVIATION] = sum
      floats[f + N.DEVIATION_WEIGHT] = weight
      return
    }
    const spread = at(floats, f + N.SPREAD) / at(floats, f + N.SPREAD_WEIGHT)
    const counting = spread / (usual * ticks)
    const excess = Math.max(0, Math.min(1, (mean / usual - 1) ** 2) - counting)
    floats[f + N.DEVIATION] = sum * HOURLY_LEFT + excess
    floats[f + N.DEVIATION_WEIGHT] = weight * HOURLY_LEFT + 1
  }

  return {
    open,
    note,
    judge,
    openOf: (stream) => openOn.get(stream),
    closesByHand(stream, minute) {
      const network = networkOf.get(stream)
      const record = openOn.get(stream)
      if (network === undefined || record === undefined) return
      record.byHand = true
      close(record, network * NETWORK_FIELDS, minute - 1)
    },
    changes() {
      const list = [...changed]
      changed = new Set()
      return list
    },
    bytes: () => networks.bytes() + cells.bytes(),
  }
}

type GoingOn = {
  f: number
  i: number
  seen: number
  allowed: number
  spread: number
  minute: number
  tick: number
}
type Weighing = GoingOn & { stream: number; certain: number; elsewhere: number }
type Opening = Pick<Weighing, 'f' | 'i' | 'stream' | 'minute' | 'tick' | 'elsewhere'> & { evidence: number }

/** Few tell nothing, and more than usual is not expected of anybody. */
function shareOf(seen: number, usual: number): number {
  return usual < FEW_OTHERS ? 1 : Math.min(1, Math.max(0, seen / usual))
}

/** Rows of floats, of integers and of short ones that grow by a sixteenth, so that little stands empty. */
function table(fields: number, whole: number, short: number) {
  let count = 0
  let floats = new Float32Array(64 * fields)
  let ints = new Int32Array(64 * whole)
  let shorts = new Uint16Array(64 * short)
  return {
    get count() {
      return count
    },
    get floats() {
      return floats
    },
    get ints() {
      return ints
    },
    get shorts() {
      return shorts
    },
    add(): number {
      if ((count + 1) * fields > floats.length) {
        const rows = Math.ceil((floats.length / fields) * 1.0625) + 64
        const [widerFloats, widerInts] = [new Float32Array(rows * fields), new Int32Array(rows * whole)]
        const widerShorts = new Uint16Array(rows * short)
        widerFloats.set(floats)
        widerInts.set(ints)
        widerShorts.set(shorts)
        shorts = widerShorts
        floats = widerFloats
        ints = widerInts
      }
      count += 1
      return count - 1
    },
    forEach(visit: (offset: number) => void): void {
      for (let row = 0; row < count; row++) visit(row * fields)
    },
    bytes: () => floats.byteLength + ints.byteLength + shorts.byteLength,
  }
}
