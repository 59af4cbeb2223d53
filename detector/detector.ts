import { pushRow } from './batch.ts'
import { MINUTE, type MinuteCount } from './count.ts'
import { createFleet } from './fleet.ts'
import { hashOf } from './hash.ts'
import type { Incident } from './incident.ts'
import { createIncidentTeller } from './incident-teller.ts'
import type { Objection } from './judge.ts'
import type { IncidentRecord } from './lifecycle.ts'
import { DEFAULT_OPTIONS, type DetectorOptions } from './options.ts'
import { createRegistry, type StreamName } from './registry.ts'
import { type StreamState, streamState } from './state.ts'
import { createUpstreams } from './upstream.ts'

/** A stream whose evidence is high without being enough, and what stands in the way if it would be. */
export type Suspect = StreamName & { evidence: number; threshold: number; objection: Objection }

/** Whose incident is to end; by its id, where a stream has incidents of several kinds. */
export type ClosingByHand = StreamName & { incident?: string }

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
  closeByHand(closing: ClosingByHand, minute: number): Incident[]
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
  const tell = createIncidentTeller({ registry, upstreams })
  let lastMinute = 0

  function judgeMinute(minute: number, counts: readonly MinuteCount[]): Judged {
    for (const count of inOrder(counts)) {
      if (count.clients === 0 || isUnknownPrefix(count)) continue
      const stream = registry.streamOf(count)
      if (stream !== undefined) pushRow(fleet.batch, batchRowOf(stream, count))
    }
    fleet.judge(minute / MINUTE)
    lastMinute = minute
    upstreams.judge(minute / MINUTE, [...fleet.lifecycle.open].filter(isNetwork))
    const incidents = changesAt(minute)
    const suspects = fleet.suspicions.map(({ stream, ...suspicion }) => ({
      ...registry.nameOf(stream),
      ...suspicion,
    }))
    return { incidents, suspects }
  }

  function closeByHand(closing: ClosingByHand, minute: number): Incident[] {
    if (closing.scope === 'networks') return closeUpstream(closing.incident, minute)
    const stream = registry.findNamed(closing)
    if (stream === undefined) return []
    const volume = fleet.volume.openOf(stream)
    const isVolume = volume !== undefined && tell.ofVolume(volume, minute).id === closing.incident
    // A replay over less history may have dated the onset otherwise: then it is what is open of the stream.
    const isAlone = volume !== undefined && fleet.lifecycle.incidentOf(stream) === undefined
    if (isVolume || isAlone) fleet.volume.closesByHand(stream, minute / MINUTE)
    if (!isVolume) fleet.lifecycle.closesByHand(stream, minute / MINUTE)
    return changesAt(minute)
  }

  /** With its members, each of which starts anew; by its id, or where only one is open, that one. */
  function closeUpstream(id: string | undefined, minute: number): Incident[] {
    const open = [...upstreams.open]
    const upstream =
      open.find((one) => tell.ofUpstream(one, minute).id === id) ?? (open.length === 1 ? open[0] : undefined)
    if (upstream === undefined) return []
    const members = upstream.members.filter(({ state }) => state === 'open')
    for (const { stream } of members) fleet.lifecycle.closesByHand(stream, minute / MINUTE)
    upstreams.closesByHand(upstream, minute / MINUTE)
    return changesAt(minute)
  }

  /** Everything that changed since the last call. */
  function changesAt(minute: number): Incident[] {
    const { shared, released } = upstreams.changes()
    const records = new Set([...fleet.lifecycle.changes(), ...released])
    return [
      ...[...records].map((record) => tell.ofRecord(record, minute)),
      ...shared.map((upstream) => tell.ofUpstream(upstream, minute)),
      ...fleet.volume.changes().map((record) => tell.ofVolume(record, minute)),
    ]
  }

  function isNetwork({ stream }: IncidentRecord): boolean {
    return registry.nameOf(stream).scope === 'network'
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

  return {
    judgeMinute,
    closeByHand,
    openIncidents: () => [
      ...[...fleet.lifecycle.open]
        .filter((record) => upstreams.of(record) === undefined)
        .map((record) => tell.ofRecord(record, lastMinute)),
      ...[...upstreams.open].map((upstream) => tell.ofUpstream(upstream, lastMinute)),
      ...[...fleet.volume.open].map((record) => tell.ofVolume(record, lastMinute)),
    ],
    state(stream) {
      const index = registry.find(stream)
      return index === undefined ? undefined : streamState(fleet, index)
    },
    size: () => ({ streams: fleet.streams.count, bytes: fleet.streams.bytes() + fleet.volume.bytes() }),
  }
}

/** Unknown networks are part of the world; their prefixes have nothing to belong to. */
function isUnknownPrefix({ asn, label, prefix }: MinuteCount): boolean {
  return asn === 0 && label === '' && prefix !== ''
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
