import { pushRow } from './batch.ts'
import { MINUTE, type MinuteCount } from './count.ts'
import { createFleet } from './fleet.ts'
import { hashOf } from './hash.ts'
import { explanationOf, type Incident, oddsInWords } from './incident.ts'
import type { Objection } from './judge.ts'
import type { IncidentRecord } from './lifecycle.ts'
import { DEFAULT_OPTIONS, type DetectorOptions } from './options.ts'
import { createRegistry, type StreamName } from './registry.ts'
import { type StreamState, streamState } from './state.ts'

/** A stream whose evidence is high without being enough, and what stands in the way if it would be. */
export type Suspect = StreamName & { evidence: number; threshold: number; objection: Objection }

export type Judged = { incidents: Incident[]; suspects: Suspect[] }

/**
 * Flags networks whose failure rate has risen against their own past and against the rest of the world.
 * A pure function of the minutes given to it: no clock, no randomness, so that a restart that replays the stored
 * minutes, and a backtest, reach the same state and the same incidents, bit for bit.
 */
export type Detector = {
  /**
   * Judges one minute (seconds since 1970, later than every minute before) and returns the incidents that changed.
   * The order of `counts` does not matter; a minute without any counts changes nothing.
   */
  judgeMinute(minute: number, counts: readonly MinuteCount[]): Judged
  openIncidents(): Incident[]
  /**
   * Ends what is open of a stream before `minute` (seconds since 1970, the next to judge), and has the stream start anew
   * from there. Returns the incident that ended, if one was open.
   */
  closeByHand(stream: StreamName, minute: number): Incident[]
  /** The numbers behind a verdict or its absence; undefined for a stream never seen. */
  state(stream: Pick<StreamName, 'asn' | 'label' | 'prefix'>): StreamState | undefined
  /** Streams known and bytes their state takes. */
  size(): { streams: number; bytes: number }
}

export function createDetector(options: Partial<DetectorOptions> = {}): Detector {
  const settings = { ...DEFAULT_OPTIONS, ...options }
  const fleet = createFleet(settings)
  const registry = createRegistry(fleet, settings.most_streams)
  let lastMinute = 0

  function judgeMinute(minute: number, counts: readonly MinuteCount[]): Judged {
    for (const count of inOrder(counts)) {
      if (count.clients === 0 || isUnknownPrefix(count)) continue
      const stream = registry.streamOf(count)
      if (stream !== undefined) pushRow(fleet.batch, batchRowOf(stream, count))
    }
    fleet.judge(minute / MINUTE)
    lastMinute = minute
    const incidents = fleet.lifecycle.changes().map((record) => incidentOf(record))
    const suspects = fleet.suspicions.map(({ stream, ...suspicion }) => ({
      ...registry.nameOf(stream),
      ...suspicion,
    }))
    return { incidents, suspects }
  }

  function closeByHand(name: StreamName, minute: number): Incident[] {
    const stream = registry.findNamed(name)
    if (stream === undefined) return []
    fleet.lifecycle.closesByHand(stream, minute / MINUTE)
    return fleet.lifecycle.changes().map((record) => incidentOf(record, minute))
  }

  function batchRowOf(stream: number, count: MinuteCount) {
    return {
      stream,
      stratum: fleet.world.stratum(count.site, count.ip_version),
      n: count.clients,
      k: Math.min(count.failed_clients, count.clients),
      completed: count.completed,
      worst: count.worst_client === '' ? 0 : hashOf(count.worst_client),
      worstFailed: count.worst_client_failed,
    }
  }

  function incidentOf(record: IncidentRecord, version = lastMinute): Incident {
    const name = registry.nameOf(record.stream)
    const shared = name.scope === 'world' || name.scope === 'site'
    const incident: Incident = {
      id: incidentId(name, record.onset),
      ...name,
      kind: shared ? 'our_side' : 'divergence',
      state: record.state,
      onset: record.onset * MINUTE,
      opened_at: record.opened * MINUTE,
      closed_at: record.closed * MINUTE,
      reopened: record.reopened,
      expected_rate: record.expected,
      failure_rate: record.failed / record.decided,
      failed: record.failed,
      decided: record.decided,
      clients: record.decided,
      failing_clients: record.failingClients,
      prefixes: record.prefixes.map((prefix) => registry.nameOf(prefix).prefix),
      members: [],
      evidence: record.evidence,
      odds: oddsInWords(record.evidence),
      world_excess: record.worldExcess,
      cause: '',
      cause_share: 0,
      dimension: '',
      explanation: '',
      version,
      updated_at: version,
    }
    return { ...incident, explanation: explanationOf(incident, '', record) }
  }

  return {
    judgeMinute,
    closeByHand,
    openIncidents: () => [...fleet.lifecycle.open].map((record) => incidentOf(record)),
    state(stream) {
      const index = registry.find(stream)
      return index === undefined ? undefined : streamState(fleet, index)
    },
    size: () => ({ streams: fleet.streams.count, bytes: fleet.streams.bytes() }),
  }
}

/** Unknown networks are part of the world; their prefixes have nothing to belong to. */
function isUnknownPrefix({ asn, label, prefix }: MinuteCount): boolean {
  return asn === 0 && label === '' && prefix !== ''
}

/** Same stream and onset, same id: readable, and safe in an URL. */
function incidentId(name: StreamName, onset: number): string {
  const subject = name.asn > 0 ? `as${name.asn}` : name.scope
  const start = new Date(onset * MINUTE * 1000).toISOString().slice(0, 16).replace(/[-:]/g, '')
  const key = [name.scope, name.asn, name.label, name.prefix, name.site].join('\0')
  return `${subject}-${start}-${(hashOf(key) >>> 0).toString(16).padStart(8, '0')}`
}

/** Rows of a network together, its own before its prefixes'; a store that sorts spares the sorting here. */
function inOrder(counts: readonly MinuteCount[]): readonly MinuteCount[] {
  const sorted = counts.every((count, index) => {
    const before = counts[index - 1]
    return before === undefined || compare(before, count) <= 0
  })
  return sorted ? counts : [...counts].sort(compare)
}

function compare(a: MinuteCount, b: MinuteCount): number {
  return (
    a.asn - b.asn ||
    order(a.label, b.label) ||
    order(a.prefix, b.prefix) ||
    order(a.site, b.site) ||
    a.ip_version - b.ip_version
  )
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
