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
import { createUpstreams, type Upstream } from './upstream.ts'
import type { VolumeRecord } from './volume.ts'

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
  /** The numbers behind a verdict or its absence; undefined for a stream never seen. */
  state(stream: Pick<StreamName, 'asn' | 'label' | 'prefix'>): StreamState | undefined
  /** Streams known and bytes their state takes. */
  size(): { streams: number; bytes: number }
}

export function createDetector(options: Partial<DetectorOptions> = {}): Detector {
  const settings = { ...DEFAULT_OPTIONS, ...options }
  const fleet = createFleet(settings)
  const registry = createRegistry(fleet, settings.most_streams)
  const upstreams = createUpstreams()
  let lastMinute = 0

  function judgeMinute(minute: number, counts: readonly MinuteCount[]): Judged {
    for (const count of inOrder(counts)) {
      if (count.clients === 0 || isUnknownPrefix(count)) continue
      const stream = registry.streamOf(count)
      if (stream !== undefined) pushRow(fleet.batch, batchRowOf(stream, count))
    }
    fleet.judge(minute / MINUTE)
    lastMinute = minute
    const changed = new Set(fleet.lifecycle.changes())
    upstreams.judge(minute / MINUTE, [...fleet.lifecycle.open].filter(isNetwork))
    const { shared, released } = upstreams.changes()
    for (const record of released) changed.add(record)
    const incidents = [
      ...[...changed].map((record) => incidentOf(record)),
      ...shared.map(upstreamIncidentOf),
      ...fleet.volume.changes().map(volumeIncidentOf),
    ]
    const suspects = fleet.suspicions.map(({ stream, ...suspicion }) => ({
      ...registry.nameOf(stream),
      ...suspicion,
    }))
    return { incidents, suspects }
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

  function incidentOf(record: IncidentRecord): Incident {
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
      version: lastMinute,
      updated_at: lastMinute,
    }
    const upstream = upstreams.of(record)
    if (upstream !== undefined) return asMember(incident, upstream)
    return { ...incident, explanation: explanationOf(incident, '') }
  }

  function isNetwork({ stream }: IncidentRecord): boolean {
    return registry.nameOf(stream).scope === 'network'
  }

  /** What the shared incident speaks for is told as closed, with where it goes on. */
  function asMember(incident: Incident, upstream: Upstream): Incident {
    const since = Math.max(upstream.opened * MINUTE, incident.opened_at)
    const member: Incident = {
      ...incident,
      state: 'closed',
      closed_at: incident.closed_at || since,
      members: [upstreamId(upstream)],
    }
    return { ...member, explanation: explanationOf(member, '') }
  }

  /** Its members may grow; its first ones and its onset do not change. */
  function upstreamId({ onset, members }: Upstream): string {
    const first = members.slice(0, FIRST_MEMBERS).map(({ stream }) => networkName(registry.nameOf(stream)))
    return `networks-${startOf(onset)}-${hexOf(first.join('\0'))}`
  }

  function upstreamIncidentOf(upstream: Upstream): Incident {
    const { members } = upstream
    const sum = (field: 'decided' | 'failed' | 'failingClients') =>
      members.reduce((total, record) => total + record[field], 0)
    const expected = members.reduce((total, { expected, decided }) => total + expected * decided, 0)
    const evidence = Math.max(...members.map((record) => record.evidence))
    const names = members.map(({ stream }) => networkName(registry.nameOf(stream)))
    const incident: Incident = {
      id: upstreamId(upstream),
      ...{ scope: 'networks' as const, kind: 'divergence' as const, asn: 0, label: '', prefix: '', site: '' },
      state: upstream.state,
      onset: upstream.onset * MINUTE,
      opened_at: upstream.opened * MINUTE,
      closed_at: upstream.closed * MINUTE,
      reopened: 0,
      expected_rate: expected / sum('decided'),
      failure_rate: sum('failed') / sum('decided'),
      failed: sum('failed'),
      decided: sum('decided'),
      clients: sum('decided'),
      failing_clients: sum('failingClients'),
      prefixes: [],
      members: names,
      evidence,
      odds: oddsInWords(evidence),
      world_excess: Math.max(...members.map((record) => record.worldExcess)),
      ...{ cause: '', cause_share: 0, dimension: '', explanation: '' },
      version: lastMinute,
      updated_at: lastMinute,
    }
    return { ...incident, explanation: explanationOf(incident, '') }
  }

  function volumeIncidentOf(record: VolumeRecord): Incident {
    const name = registry.nameOf(record.stream)
    const incident: Incident = {
      id: incidentId(name, record.onset, 'volume'),
      ...name,
      kind: 'volume',
      state: record.state,
      onset: record.onset * MINUTE,
      opened_at: record.opened * MINUTE,
      closed_at: record.closed * MINUTE,
      reopened: 0,
      expected_rate: 0,
      failure_rate: Math.max(0, 1 - record.seen / record.usual),
      failed: record.seen,
      decided: record.usual,
      clients: record.seen,
      failing_clients: 0,
      prefixes: [],
      members: [],
      evidence: record.evidence,
      odds: oddsInWords(record.evidence),
      world_excess: record.elsewhere,
      cause: '',
      cause_share: 0,
      dimension: '',
      explanation: '',
      version: lastMinute,
      updated_at: lastMinute,
    }
    return { ...incident, explanation: explanationOf(incident, '') }
  }

  return {
    judgeMinute,
    openIncidents: () => [
      ...[...fleet.lifecycle.open]
        .filter((record) => upstreams.of(record) === undefined)
        .map((record) => incidentOf(record)),
      ...[...upstreams.open].map(upstreamIncidentOf),
      ...[...fleet.volume.open].map(volumeIncidentOf),
    ],
    state(stream) {
      const index = registry.find(stream)
      return index === undefined ? undefined : streamState(fleet, index)
    },
    size: () => ({ streams: fleet.streams.count, bytes: fleet.streams.bytes() + fleet.volume.bytes() }),
  }
}

function networkName({ asn, label }: StreamName): string {
  return [asn > 0 ? `AS${asn}` : '', label].filter((part) => part !== '').join(' ')
}

const FIRST_MEMBERS = 5

/** Unknown networks are part of the world; their prefixes have nothing to belong to. */
function isUnknownPrefix({ asn, label, prefix }: MinuteCount): boolean {
  return asn === 0 && label === '' && prefix !== ''
}

/** Same stream and onset, same id: readable, and safe in an URL. */
function incidentId(name: StreamName, onset: number, kind?: 'volume'): string {
  const subject = name.asn > 0 ? `as${name.asn}` : name.scope
  const key = [name.scope, name.asn, name.label, name.prefix, name.site, ...(kind ? [kind] : [])]
  return `${subject}-${startOf(onset)}-${hexOf(key.join('\0'))}`
}

function startOf(onset: number): string {
  return new Date(onset * MINUTE * 1000).toISOString().slice(0, 16).replace(/[-:]/g, '')
}

function hexOf(key: string): string {
  return (hashOf(key) >>> 0).toString(16).padStart(8, '0')
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
