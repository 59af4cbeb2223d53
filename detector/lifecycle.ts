import { failingClients } from './clients.ts'
import { evidenceOf, noteEpisode, resetEvidence, type StreamMinute } from './judge.ts'
import { GOOD_MINUTES, RECOVERY_EVIDENCE, recoveryEvidence } from './recovery.ts'
import { at, F, FLOATS, HOUR_SPOILT, I, INTS, increase, type Streams } from './streams.ts'
import type { Row } from './teach.ts'

/** An incident as the fleet knows it: numbers and stream indices. Minutes since 1970. */
export type IncidentRecord = {
  index: number
  stream: number
  state: 'open' | 'closed'
  onset: number
  opened: number
  closed: number
  reopened: number
  evidence: number
  expected: number
  decided: number
  failed: number
  failingClients: number
  /** Streams of the fewest prefixes that explain 80 % of the excess, the worst first. */
  prefixes: number[]
  worldExcess: number
  closedTick: number
  /** Somebody ended it, not the figures. */
  byHand: boolean
}

export type Lifecycle = {
  readonly open: ReadonlySet<IncidentRecord>
  /** Incidents that changed since the last call. */
  changes(): IncidentRecord[]
  incidentOf(stream: number): IncidentRecord | undefined
  opens(row: Row, stream: number, seen: StreamMinute, worldExcess: number): void
  /** A further minute of an open incident, which may close it. */
  goesOn(row: Row, stream: number, seen: StreamMinute, worldExcess: number): void
  closes(stream: number, minute: number, tick: number): void
  /** Before `minute` is judged: whatever is open ends, evidence is forgotten, and what comes later is another incident. */
  closesByHand(stream: number, minute: number): void
  /** Every minute, also for streams without rows: closes what has had no data for a day. */
  passMinute(minute: number, tick: number): void
  /** Before the hour's lesson: whether open incidents spoil it. */
  markHour(minute: number): void
}

const REOPEN_TICKS = 30
const SHORT_ALERT_MINUTES = 25
const SILENT_TICKS = 24 * 60
const DAY = 24 * 60
/** A small excess that lasts a day, or any that lasts a week, is how the network is now: it teaches again. */
const SMALL_EXCESS = 0.05
const SETTLED_SMALL = DAY
const SETTLED = 7 * DAY
/** Reverse evidence beyond what closes is not saved up. */
const LARGEST_REVERSE = RECOVERY_EVIDENCE + 1.4
/** A record is handed out every minute at first, then every five. */
const EAGER_MINUTES = 15

export function createLifecycle(streams: Streams): Lifecycle {
  const records: IncidentRecord[] = []
  const open = new Set<IncidentRecord>()
  const lastOf = new Map<number, IncidentRecord>()
  let changed = new Set<IncidentRecord>()

  const rowOf = (stream: number): Row => ({
    floats: streams.floats,
    ints: streams.ints,
    f: stream * FLOATS,
    i: stream * INTS,
  })

  function incidentOf(stream: number): IncidentRecord | undefined {
    return records[at(streams.ints, stream * INTS + I.INCIDENT) - 1]
  }

  function opens(row: Row, stream: number, seen: StreamMinute, worldExcess: number): void {
    const last = lastOf.get(stream)
    const evidence = evidenceOf(row)
    const record =
      last !== undefined && seen.tick - last.closedTick <= REOPEN_TICKS
        ? reopen(row, last)
        : begin(row, stream, seen.minute)
    record.evidence = Math.max(record.evidence, evidence)
    row.ints[row.i + I.INCIDENT] = record.index + 1
    row.ints[row.i + I.SPOILT] = at(row.ints, row.i + I.SPOILT) | HOUR_SPOILT.rate
    row.ints[row.i + I.GOOD] = seen.tick
    row.ints[row.i + I.BLOCKED] = 0
    row.floats[row.f + F.REVERSE] = 0
    row.floats.fill(0, row.f + F.R, row.f + F.C + 1)
    open.add(record)
    lastOf.set(stream, record)
    update(row, record, worldExcess)
  }

  function begin(row: Row, stream: number, minute: number): IncidentRecord {
    const record: IncidentRecord = {
      index: records.length,
      stream,
      state: 'open',
      onset: at(row.ints, row.i + I.ONSET),
      opened: minute,
      closed: 0,
      reopened: 0,
      evidence: 0,
      expected: 0,
      decided: 0,
      failed: 0,
      failingClients: 0,
      prefixes: [],
      worldExcess: 0,
      closedTick: 0,
      byHand: false,
    }
    records.push(record)
    return record
  }

  function reopen(row: Row, record: IncidentRecord): IncidentRecord {
    increase(row.floats, row.f + F.N, record.decided)
    increase(row.floats, row.f + F.K, record.failed)
    increase(row.floats, row.f + F.EXPECTED, record.expected * record.decided)
    return Object.assign(record, { state: 'open', closed: 0, reopened: record.reopened + 1 })
  }

  function update(row: Row, record: IncidentRecord, worldExcess: number): void {
    record.decided = at(row.floats, row.f + F.N)
    record.failed = at(row.floats, row.f + F.K)
    record.expected = at(row.floats, row.f + F.EXPECTED) / record.decided
    record.failingClients = Math.max(record.failingClients, failingClients(row))
    record.worldExcess = worldExcess
    changed.add(record)
  }

  function goesOn(row: Row, stream: number, seen: StreamMinute, worldExcess: number): void {
    const record = incidentOf(stream)
    if (record === undefined) return
    const { floats, ints, f, i } = row
    const failing = at(floats, f + F.K) / at(floats, f + F.N)
    noteEpisode(row, seen)
    const before = at(floats, f + F.REVERSE)
    const expected = seen.upper / seen.n
    const reverse = recoveryEvidence(before, { n: seen.n, k: seen.k, expected, rho: seen.rho, failing })
    floats[f + F.REVERSE] = Math.min(LARGEST_REVERSE, reverse)
    if (reverse <= before && reverse < LARGEST_REVERSE) ints[i + I.GOOD] = seen.tick
    const age = seen.minute - record.opened
    if (age < EAGER_MINUTES || age % 5 === 0) update(row, record, worldExcess)
    const over = reverse >= RECOVERY_EVIDENCE && seen.tick - at(ints, i + I.GOOD) >= GOOD_MINUTES
    if (over) {
      update(row, record, worldExcess)
      closes(stream, seen.minute, seen.tick)
    }
  }

  function closes(stream: number, minute: number, tick: number): void {
    const record = incidentOf(stream)
    if (record === undefined) return
    const row = rowOf(stream)
    const spoilt = minute - record.onset >= SHORT_ALERT_MINUTES ? HOUR_SPOILT.all : HOUR_SPOILT.rate
    row.ints[row.i + I.SPOILT] = at(row.ints, row.i + I.SPOILT) | spoilt
    row.ints[row.i + I.INCIDENT] = 0
    resetEvidence(row)
    Object.assign(record, { state: 'closed', closed: minute + 1, closedTick: tick })
    open.delete(record)
    changed.add(record)
  }

  function closesByHand(stream: number, minute: number): void {
    const record = incidentOf(stream)
    if (record !== undefined) record.byHand = true
    closes(stream, minute - 1, 0)
    // Also without an open incident: a replay over less history may have dated the alarm a little later.
    resetEvidence(rowOf(stream))
    lastOf.delete(stream)
  }

  function passMinute(minute: number, tick: number): void {
    for (const record of open) {
      if (tick - at(streams.ints, record.stream * INTS + I.LAST) > SILENT_TICKS)
        closes(record.stream, minute, tick)
    }
  }

  function markHour(minute: number): void {
    for (const record of open) {
      const small = record.failed / record.decided - record.expected < SMALL_EXCESS
      const settled = minute - record.opened >= (small ? SETTLED_SMALL : SETTLED)
      const spoilt = minute - record.onset >= SHORT_ALERT_MINUTES ? HOUR_SPOILT.all : HOUR_SPOILT.rate
      streams.ints[record.stream * INTS + I.SPOILT] = settled ? 0 : spoilt
    }
  }

  function changes(): IncidentRecord[] {
    const list = [...changed]
    changed = new Set()
    return list
  }

  return { open, changes, incidentOf, opens, goesOn, closes, closesByHand, passMinute, markHour }
}
