import type { Batch } from '../batch.ts'
import { at, I, INTS, increase, KIND, type Streams } from '../streams.ts'
import type { World } from '../world-minute.ts'
import {
  beginDeviation,
  deviationOf,
  LEARNED_FIELDS,
  learnDeviation,
  learnSpread,
  spreadOf,
} from './learned-spread.ts'
import { createTable } from './table.ts'
import { createUsualTraffic } from './usual-traffic.ts'

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
const HOURS_NEEDED = 48
/** Minutes of an hour that must have had data, for the hour to teach. */
const FULL_HOUR = 30
const RECOVERY = 4.6
const LARGEST_RECOVERY = 6
const GOOD_MINUTES = 10
/** What has lasted so long is how the network is now. */
const SETTLED_MINUTES = 3 * 24 * 60
const LARGEST_SCORE = 1e30

/** Fields of a network. */
const N = {
  /** Evidence for each missing share, and the CUSUM that dates the onset. */
  R: 0,
  C: 3,
  /** Since the onset: clients, and how many were usual. */
  SEEN: 4,
  USUAL: 5,
  REVERSE: 6,
  /** This hour: squares of its minutes. */
  SQUARES: 7,
  LEARNED: 8,
} as const
const NETWORK_FIELDS = N.LEARNED + LEARNED_FIELDS
const NI = { STREAM: 0, ONSET: 1, MINUTES: 2, GOOD: 3, HOURS_LEARNED: 4 } as const
const NETWORK_INTS = 5

export function createVolume(streams: Streams, alarmMinutes: number): Volume {
  const networks = createTable({ floats: NETWORK_FIELDS, ints: NETWORK_INTS })
  const traffic = createUsualTraffic()
  const networkOf = new Map<number, number>()
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
      traffic.note(networkAt(stream), site, at(batch.n, r))
    }
  }

  function networkAt(stream: number): number {
    const known = networkOf.get(stream)
    if (known !== undefined) return known
    const network = networks.add()
    networks.ints[network * NETWORK_INTS + NI.STREAM] = stream
    networkOf.set(stream, network)
    return network
  }

  function judge({ minute, tick }: { minute: number; tick: number }): void {
    const now = Math.floor(minute / 60)
    if (now !== hour) turnHour(now)
    ticks += 1
    traffic.sumSites(minute)
    for (let network = 0; network < networks.count; network++) judgeNetwork(network, minute, tick)
  }

  function judgeNetwork(network: number, minute: number, tick: number): void {
    const [f, i] = [network * NETWORK_FIELDS, network * NETWORK_INTS]
    const { seen, usual, allowed } = traffic.take(network, minute)
    increase(networks.floats, f + N.SQUARES, seen * seen)
    const stream = at(networks.ints, i + NI.STREAM)
    const record = openOn.get(stream)
    if (usual === 0 || at(networks.ints, i + NI.HOURS_LEARNED) < HOURS_NEEDED) return
    const certain = allowed * Math.max(0, 1 - 2 * deviationOf(networks.floats, f + N.LEARNED))
    const spread = spreadOf(networks.floats, f + N.LEARNED)
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
    if (settled) networks.ints[i + NI.HOURS_LEARNED] = 0
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
    traffic.clearHour()
    networks.forEach((f) => {
      networks.floats[f + N.SQUARES] = 0
    })
  }

  /** The hour joins what is usual, unless something was missing in it. */
  function teach(network: number, hourOfDay: number): void {
    const [f, i] = [network * NETWORK_FIELDS, network * NETWORK_INTS]
    if (openOn.has(at(networks.ints, i + NI.STREAM)) || at(networks.floats, f + N.C) > 3) return
    const days = Math.floor(at(networks.ints, i + NI.HOURS_LEARNED) / HOURS)
    const { mean, usual, isKnown } = traffic.teach(network, { hourOfDay, minutes: ticks, days })
    increase(networks.ints, i + NI.HOURS_LEARNED, 1)
    const squares = at(networks.floats, f + N.SQUARES)
    learnSpread(networks.floats, f + N.LEARNED, { mean, squares, minutes: ticks })
    if (isKnown && usual > 0) learnDeviation(networks.floats, f + N.LEARNED, { mean, usual, minutes: ticks })
    else beginDeviation(networks.floats, f + N.LEARNED)
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
    bytes: () => networks.bytes() + traffic.bytes(),
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
