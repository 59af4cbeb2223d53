import { at, increase } from '../streams.ts'
import { createTable } from './table.ts'

/**
 * How many clients a network has at each site, and how many are usual there at that hour of the day. What all networks
 * of a site miss together (a holiday, an agent that is down) is allowed for, each against the others.
 */
export type UsualTraffic = {
  /** Adds clients of the minute under way. */
  note(network: number, site: string, clients: number): void
  /** Sums up what the sites see of their usual traffic; call it once a minute, before `take`. */
  sumSites(minute: number): void
  /** A network's clients in this minute, how many are usual, and how many by what the others have; the minute ends with it. */
  take(network: number, minute: number): Taken
  /** The hour joins what is usual of a network. */
  teach(network: number, hour: TaughtHour): Taught
  /** A new hour begins. */
  clearHour(): void
  bytes(): number
}

/** The one object that `take` fills. */
export type Taken = { seen: number; usual: number; allowed: number }
/** An hour of the day, how many of its minutes had data, and how many days the network has learned before. */
export type TaughtHour = { hourOfDay: number; minutes: number; days: number }
/** Clients a minute in the hour, how many were usual, and whether that was known at each of the sites. */
export type Taught = { mean: number; usual: number; isKnown: boolean }

const HOURS = 24
/** Days that an hour's usual number remembers. */
const MEMORY_DAYS = 5
/** Usual numbers are kept as logarithms, in 16 bits: to a fortieth of a percent, up to ten million. */
const USUAL_STEPS = 4_000
/** The sites' levels look back some minutes. */
const FORGET = Math.exp(-1 / 5)
/** Below this the others tell nothing. */
const FEW_OTHERS = 5
/** Below this share of the usual the site itself is in trouble, and its hours do not teach. */
const SITE_IN_TROUBLE = 0.8

/** Fields of a cell, a network at a site: this minute's clients, this hour's, lately and usually lately; and its usual hours. */
const C = { NOW: 0, HOUR: 1, LATELY: 2, LATELY_USUAL: 3 } as const
const CELL_FIELDS = 4
const CI = { SITE: 0, NEXT: 1 } as const
const CELL_INTS = 2
/** The end of a network's list of cells. */
const NONE = -1

/** What its networks have and usually have: in this minute, and lately. */
type Site = { now: number; nowUsual: number; lately: number; usual: number }

export function createUsualTraffic(): UsualTraffic {
  const cells = createTable({ floats: CELL_FIELDS, ints: CELL_INTS, shorts: HOURS })
  /** The first cell of each network, or −1: a network has few sites, and a list is as quick as a table, and smaller. */
  const firstCells = createTable({ floats: 0, ints: 1 })
  const siteOf = new Map<string, number>()
  const sites: Site[] = []
  const taken: Taken = { seen: 0, usual: 0, allowed: 0 }

  function note(network: number, site: string, clients: number): void {
    // Before the array is named: a new cell may put a larger one in its place.
    const cell = cellOf(network, siteAt(site))
    increase(cells.floats, cell * CELL_FIELDS + C.NOW, clients)
  }

  function siteAt(name: string): number {
    const known = siteOf.get(name)
    if (known !== undefined) return known
    siteOf.set(name, sites.length)
    return sites.push({ now: 0, nowUsual: 0, lately: 0, usual: 0 }) - 1
  }

  function cellOf(network: number, site: number): number {
    while (firstCells.count <= network) {
      // Before the array is named, as above.
      const added = firstCells.add()
      firstCells.ints[added] = NONE
    }
    for (let cell = firstOf(network); cell !== NONE; cell = nextOf(cell)) {
      if (at(cells.ints, cell * CELL_INTS + CI.SITE) === site) return cell
    }
    const cell = cells.add()
    cells.ints[cell * CELL_INTS + CI.SITE] = site
    cells.ints[cell * CELL_INTS + CI.NEXT] = firstOf(network)
    firstCells.ints[network] = cell
    return cell
  }

  function firstOf(network: number): number {
    return at(firstCells.ints, network)
  }

  function nextOf(cell: number): number {
    return at(cells.ints, cell * CELL_INTS + CI.NEXT)
  }

  function sumSites(minute: number): void {
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

  function take(network: number, minute: number): Taken {
    let [seen, usual, allowed] = [0, 0, 0]
    for (let cell = firstOf(network); cell !== NONE; cell = nextOf(cell)) {
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
    taken.seen = seen
    taken.usual = usual
    taken.allowed = allowed
    return taken
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

  function teach(network: number, { hourOfDay, minutes, days }: TaughtHour): Taught {
    const share = 1 / Math.min(days + 1, MEMORY_DAYS)
    const taught = { mean: 0, usual: 0, isKnown: true }
    for (let cell = firstOf(network); cell !== NONE; cell = nextOf(cell)) {
      const rate = at(cells.floats, cell * CELL_FIELDS + C.HOUR) / minutes
      const before = usualIn(cell, hourOfDay)
      taught.mean += rate
      if (before < 0) taught.isKnown = false
      const elsewhere = lately(cell)
      taught.usual += Math.max(0, before) * elsewhere
      if (before >= 0 && elsewhere < SITE_IN_TROUBLE) continue
      const usualNow = before < 0 ? rate : before + share * (rate - before)
      cells.shorts[cell * HOURS + hourOfDay] = 1 + Math.round(Math.log1p(usualNow) * USUAL_STEPS)
    }
    return taught
  }

  return {
    note,
    sumSites,
    take,
    teach,
    clearHour: () =>
      cells.forEach((f) => {
        cells.floats[f + C.HOUR] = 0
      }),
    bytes: () => cells.bytes() + firstCells.bytes(),
  }
}

/** Few tell nothing, and more than usual is not expected of anybody. */
function shareOf(seen: number, usual: number): number {
  return usual < FEW_OTHERS ? 1 : Math.min(1, Math.max(0, seen / usual))
}
