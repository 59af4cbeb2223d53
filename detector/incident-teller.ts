import { MINUTE } from './count.ts'
import { hashOf } from './hash.ts'
import { explanationOf, type Incident, oddsInWords } from './incident.ts'
import type { IncidentRecord } from './lifecycle.ts'
import type { Registry, StreamName } from './registry.ts'
import type { Upstream, Upstreams } from './upstream.ts'
import type { VolumeRecord } from './volume/index.ts'

/** Puts names, words and ids on what the fleet knows by numbers. `version` is the minute of the change. */
export type IncidentTeller = {
  ofRecord(record: IncidentRecord, version: number): Incident
  ofUpstream(upstream: Upstream, version: number): Incident
  ofVolume(record: VolumeRecord, version: number): Incident
}

export function createIncidentTeller({
  registry,
  upstreams,
}: {
  registry: Pick<Registry, 'nameOf'>
  upstreams: Pick<Upstreams, 'of'>
}): IncidentTeller {
  return {
    ofRecord(record, version) {
      const name = registry.nameOf(record.stream)
      const shared = name.scope === 'world' || name.scope === 'site'
      const incident: Incident = {
        ...UNTOLD,
        ...lifeOf(record),
        id: idOf(name, record.onset),
        ...name,
        kind: shared ? 'our_side' : 'divergence',
        reopened: record.reopened,
        expected_rate: record.expected,
        failure_rate: record.failed / record.decided,
        failed: record.failed,
        decided: record.decided,
        clients: record.decided,
        failing_clients: record.failingClients,
        prefixes: record.prefixes.map((prefix) => registry.nameOf(prefix).prefix),
        evidence: record.evidence,
        odds: oddsInWords(record.evidence),
        world_excess: record.worldExcess,
        version,
        updated_at: version,
      }
      const upstream = upstreams.of(record)
      return told(upstream === undefined ? incident : asMember(incident, upstream), record)
    },

    ofUpstream(upstream, version) {
      const { members } = upstream
      const sum = (of: (record: IncidentRecord) => number) =>
        members.reduce((total, record) => total + of(record), 0)
      const decided = sum((record) => record.decided)
      const failed = sum((record) => record.failed)
      const evidence = Math.max(...members.map((record) => record.evidence))
      const incident: Incident = {
        ...UNTOLD,
        ...lifeOf(upstream),
        id: upstreamId(upstream),
        ...{ scope: 'networks', kind: 'divergence', asn: 0, label: '', prefix: '', site: '' },
        expected_rate: sum((record) => record.expected * record.decided) / decided,
        failure_rate: failed / decided,
        failed,
        decided,
        clients: decided,
        failing_clients: sum((record) => record.failingClients),
        members: members.map(({ stream }) => networkName(registry.nameOf(stream))),
        evidence,
        odds: oddsInWords(evidence),
        world_excess: Math.max(...members.map((record) => record.worldExcess)),
        version,
        updated_at: version,
      }
      return told(incident, upstream)
    },

    ofVolume(record, version) {
      const name = registry.nameOf(record.stream)
      const incident: Incident = {
        ...UNTOLD,
        ...lifeOf(record),
        id: idOf(name, record.onset, 'volume'),
        ...name,
        kind: 'volume',
        failure_rate: Math.max(0, 1 - record.seen / record.usual),
        failed: record.seen,
        decided: record.usual,
        clients: record.seen,
        evidence: record.evidence,
        odds: oddsInWords(record.evidence),
        world_excess: record.elsewhere,
        version,
        updated_at: version,
      }
      return told(incident, record)
    },
  }

  /** What the shared incident speaks for is told as closed, with where it goes on. */
  function asMember(incident: Incident, upstream: Upstream): Incident {
    const since = Math.max(upstream.opened * MINUTE, incident.opened_at)
    return {
      ...incident,
      state: 'closed',
      closed_at: incident.closed_at || since,
      members: [upstreamId(upstream)],
    }
  }

  /** Its members may grow; its first ones and its onset do not change. */
  function upstreamId({ onset, members }: Upstream): string {
    const first = members.slice(0, FIRST_MEMBERS).map(({ stream }) => networkName(registry.nameOf(stream)))
    return `networks-${startOf(onset)}-${hexOf(first.join('\0'))}`
  }
}

/** What some kinds of incident have nothing to say of, and what the store fills in. */
const UNTOLD = {
  reopened: 0,
  expected_rate: 0,
  failing_clients: 0,
  prefixes: [] as string[],
  members: [] as string[],
  ...{ cause: '', cause_share: 0, dimension: '', explanation: '' },
}

const FIRST_MEMBERS = 5

type Life = Pick<IncidentRecord, 'state' | 'onset' | 'opened' | 'closed' | 'byHand'>

function lifeOf({ state, onset, opened, closed }: Life) {
  return { state, onset: onset * MINUTE, opened_at: opened * MINUTE, closed_at: closed * MINUTE }
}

function told(incident: Incident, { byHand }: Life): Incident {
  return { ...incident, explanation: explanationOf(incident, '', { byHand }) }
}

function networkName({ asn, label }: StreamName): string {
  return [asn > 0 ? `AS${asn}` : '', label].filter((part) => part !== '').join(' ')
}

/** Same stream and onset, same id: readable, and safe in an URL. */
function idOf(name: StreamName, onset: number, kind?: 'volume'): string {
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
