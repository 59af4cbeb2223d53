import type { IncidentRecord } from './lifecycle.ts'

/**
 * Networks that begin to fail within minutes of one another share a cause that lies upstream of them: a transit provider, an
 * exchange, a filter in common. They are one incident with members, instead of one each.
 */
export type Upstreams = {
  readonly open: ReadonlySet<Upstream>
  /** After each minute (minutes since 1970), with the open incidents of networks; of one minute the order does not matter. */
  judge(minute: number, networks: readonly IncidentRecord[]): void
  /** Ends it before `minute` is judged; its members have been closed. */
  closesByHand(upstream: Upstream, minute: number): void
  /** What a network's incident is part of, if it is. */
  of(record: IncidentRecord): Upstream | undefined
  /** Shared incidents that changed since the last call, and incidents that stand for themselves again. */
  changes(): { shared: Upstream[]; released: IncidentRecord[] }
}

/** Minutes since 1970. */
export type Upstream = {
  onset: number
  opened: number
  /** 0 while open. */
  closed: number
  state: 'open' | 'closed'
  /** Somebody ended it, not the figures. */
  byHand: boolean
  /** Incidents that belong to it, also those that are over, in the order in which they joined. */
  members: IncidentRecord[]
}

/** So many networks, within so many minutes of each other. */
const SMALLEST = 5
const TOGETHER_MINUTES = 5
/** Who begins so much later still belongs to it. */
const JOINING_MINUTES = 10
/** With fewer that still fail it is over. */
const LEAST_OPEN = 2
const EAGER_MINUTES = 15

export function createUpstreams(): Upstreams {
  const open = new Set<Upstream>()
  const partOf = new Map<IncidentRecord, Upstream>()
  let shared = new Set<Upstream>()
  let released = new Set<IncidentRecord>()

  function judge(minute: number, networks: readonly IncidentRecord[]): void {
    const alone = networks.filter((record) => !partOf.has(record)).sort(byOnset)
    for (const upstream of open) {
      for (const record of alone) if (isNear(record, upstream)) join(record, upstream)
      const left = upstream.members.filter(({ state }) => state === 'open')
      if (left.length < LEAST_OPEN) close(upstream, minute, left)
      else if (minute - upstream.opened < EAGER_MINUTES || (minute - upstream.opened) % 5 === 0)
        shared.add(upstream)
    }
    const group = together(alone.filter((record) => !partOf.has(record)))
    if (group !== undefined) begin(group, minute)
  }

  function begin(group: IncidentRecord[], minute: number): void {
    const onset = Math.min(...group.map((record) => record.onset))
    const upstream: Upstream = { onset, opened: minute, closed: 0, state: 'open', byHand: false, members: [] }
    for (const record of group) join(record, upstream)
    open.add(upstream)
  }

  function join(record: IncidentRecord, upstream: Upstream): void {
    partOf.set(record, upstream)
    upstream.members.push(record)
    shared.add(upstream)
    // Its own incident is told once more: that it is part of this one.
    released.add(record)
  }

  function close(upstream: Upstream, minute: number, left: readonly IncidentRecord[]): void {
    Object.assign(upstream, { state: 'closed', closed: minute + 1 })
    open.delete(upstream)
    shared.add(upstream)
    for (const record of upstream.members) partOf.delete(record)
    for (const record of left) released.add(record)
  }

  return {
    open,
    judge,
    closesByHand(upstream, minute) {
      upstream.byHand = true
      close(upstream, minute - 1, [])
    },
    of: (record) => partOf.get(record),
    changes() {
      const changed = { shared: [...shared], released: [...released] }
      shared = new Set()
      released = new Set()
      return changed
    },
  }
}

function byOnset(a: IncidentRecord, b: IncidentRecord): number {
  return a.onset - b.onset || a.stream - b.stream
}

function isNear(record: IncidentRecord, upstream: Upstream): boolean {
  return Math.abs(record.onset - upstream.onset) <= JOINING_MINUTES
}

/** The first of these, in order of onset, that began together and are enough. */
function together(records: readonly IncidentRecord[]): IncidentRecord[] | undefined {
  for (const first of records) {
    const group = records.filter(
      ({ onset }) => onset >= first.onset && onset - first.onset <= TOGETHER_MINUTES,
    )
    if (group.length >= SMALLEST) return group
  }
  return undefined
}
