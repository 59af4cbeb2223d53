import { setTimeout as sleep } from 'node:timers/promises'
import { checkRequirements, type Machine, withNetwork } from '../../network/index.ts'
import type { AsnRange } from '../../simulator/asn-ranges.ts'
import { type ApiReader, createApiReader, type IncidentItem, type NetworkItem } from './api.ts'
import { findClientNetworks } from './client-networks.ts'
import { type Lab, PARTS, type Part, startLab } from './lab.ts'
import type { ClientMessage } from './messages.ts'
import { isRight, type MtuInboundResult, type NetworkResult, type Seen } from './result.ts'

/** A pipeline on this machine, empty, whose detector runs. */
export type LabPipeline = {
  /** Base URLs, http. */
  ingestUrl: string
  apiUrl: string
  /** Tokens with the scopes `ingest` and `read`; none where none are asked for. */
  ingestToken?: string | undefined
  readToken?: string | undefined
}

export type MtuInboundOptions = {
  pipeline: LabPipeline
  ranges: Iterable<AsnRange>
  machine: Machine
  /** Told what happens, a line at a time. */
  report: (line: string) => void
  signal?: AbortSignal | undefined
  asns?: Record<Part, number>
  /** How long both networks are well at least; the path breaks at the next full minute, ms. */
  healthyMs?: number
  /** How long the broken network may take to be flagged, ms. */
  patienceMs?: number
  handshakeTimeout?: number
  visitsPerSecond?: number
}

export const PROGRAMS = ['ip', 'nft', 'ss', 'openssl']
/** Two large access networks; what happens to them here happens inside the namespaces only. */
const ASNS = { healthy: 3320, broken: 1136 }
const MINUTE_MS = 60_000
const POLL_MS = 5000
const STATUS_EVERY = 4

/**
 * Breaks a path the way it is told in docs/lab.md and watches, through the API, whether the pipeline finds it.
 * Takes four to six minutes. Nothing is left of the namespaces afterwards, whatever ends it.
 * @throws LabError when the machine cannot run it; Interrupted after Ctrl-C.
 */
export async function runMtuInbound(options: MtuInboundOptions): Promise<MtuInboundResult> {
  const { pipeline, ranges, machine, report, signal: outer, asns = ASNS } = options
  const { handshakeTimeout = 4000, visitsPerSecond = 1.5 } = options
  await checkRequirements(PROGRAMS, machine)
  const clients = findClientNetworks(ranges, asns)
  const seen = { healthy: nothingSeen(), broken: nothingSeen() }
  return withNetwork(
    async (network, signal) => {
      report('building namespaces for clients, provider, router and server')
      const lab = await startLab({
        network,
        clients,
        ingest: { url: pipeline.ingestUrl, token: pipeline.ingestToken },
        handshakeTimeout,
        visitsPerSecond,
        onVisit: (part, visit) => count(seen[part], visit),
      })
      try {
        const api = createApiReader({ url: pipeline.apiUrl, token: pipeline.readToken, signal })
        const watching = watch({ ...options, lab, api, asns, seen, signal })
        return await Promise.race([watching, lab.failed])
      } finally {
        await lab.stop()
      }
    },
    { signal: outer },
  )
}

type Watch = Pick<MtuInboundOptions, 'report' | 'healthyMs' | 'patienceMs'> & {
  lab: Lab
  api: ApiReader
  asns: Record<Part, number>
  seen: Record<Part, Seen>
  signal: AbortSignal
}

async function watch(options: Watch): Promise<MtuInboundResult> {
  const { lab, api, asns, seen, signal, report, healthyMs = 90_000, patienceMs = 270_000 } = options
  const startedAt = Date.now()
  // The detector counts in minutes: broken from the first second of one, that one counts in full.
  const brokenAt = Math.ceil((startedAt + healthyMs) / MINUTE_MS) * MINUTE_MS
  report(`AS${asns.healthy} and AS${asns.broken} visit, both well, until ${clock(brokenAt)}`)
  await follow({ api, asns, from: startedAt, until: brokenAt, signal, report })
  await lab.breakPath()
  for (const part of PARTS) Object.assign(seen[part], nothingSeen())
  report(`now the path of AS${asns.broken} has a hop of 1400 bytes that sends no ICMP`)
  const flaggedAt = await follow({
    ...{ api, asns, from: brokenAt, until: brokenAt + patienceMs, signal, report },
    stopWhenFlagged: true,
  })
  const networks = await Promise.all(
    PARTS.map((part) => resultOf({ api, part, asn: asns[part], seen: seen[part], startedAt, brokenAt })),
  )
  return {
    scenario: 'mtu-inbound',
    ok: isRight(networks),
    broken_at: new Date(brokenAt).toISOString(),
    flagged_at: flaggedAt === null ? null : new Date(flaggedAt).toISOString(),
    seconds_to_flag: flaggedAt === null ? null : Math.round((flaggedAt - brokenAt) / 1000),
    networks,
  }
}

/** Reports now and then until the time is up, or the broken network is flagged; returns when it was, else null. */
async function follow({
  api,
  asns,
  from,
  until,
  signal,
  report,
  stopWhenFlagged = false,
}: {
  api: ApiReader
  asns: Record<Part, number>
  from: number
  until: number
  signal: AbortSignal
  report: (line: string) => void
  stopWhenFlagged?: boolean
}): Promise<number | null> {
  for (let poll = 1; Date.now() < until; poll += 1) {
    await sleep(Math.max(0, Math.min(POLL_MS, until - Date.now())), undefined, { signal })
    if (stopWhenFlagged && flagOf(await api.incidents([asns.broken], from), asns.broken) !== undefined) {
      return Date.now()
    }
    if (poll % STATUS_EVERY === 0) report(await statusLine(api, asns, from))
  }
  return null
}

async function statusLine(api: ApiReader, asns: Record<Part, number>, from: number): Promise<string> {
  const networks = await api.networks([asns.broken, asns.healthy], { from })
  const parts = PARTS.map((part) => describe(part, asns[part], networks.get(asns[part])))
  return `${clock(Date.now())}  ${parts.join('   ')}`
}

function describe(part: Part, asn: number, item: NetworkItem | undefined): string {
  if (item === undefined) return `AS${asn}: no handshakes yet`
  const rate = item.success_rate === null ? '-' : `${(item.success_rate * 100).toFixed(1)} %`
  const cause = item.dominant_cause === null ? '' : `, ${item.dominant_cause.cause}`
  return `AS${asn} (${part}): ${rate} of ${item.completed + item.failed}${cause}`
}

async function resultOf({
  api,
  part,
  asn,
  seen,
  startedAt,
  brokenAt,
}: {
  api: ApiReader
  part: Part
  asn: number
  seen: Seen
  startedAt: number
  brokenAt: number
}): Promise<NetworkResult> {
  const [before, since, incidents] = await Promise.all([
    api.networks([asn], { from: startedAt, to: brokenAt }),
    api.networks([asn], { from: brokenAt }),
    api.incidents([asn], startedAt),
  ])
  const flag = flagOf(incidents, asn)
  const item = since.get(asn)
  const failed = item?.failed ?? 0
  return {
    asn,
    network: item?.network ?? '',
    expected: part,
    flagged: flag !== undefined,
    cause: flag?.cause || (item?.dominant_cause?.cause ?? ''),
    success_rate_before: before.get(asn)?.success_rate ?? null,
    success_rate: item?.success_rate ?? null,
    handshakes: item?.handshakes ?? 0,
    failed,
    evidence: failed === 0 ? '' : await api.evidence(asn, brokenAt),
    explanation: flag?.explanation ?? '',
    clients: structuredClone(seen),
  }
}

/** The network's own incident before one of a prefix. A mere lack of handshakes is no finding here. */
function flagOf(incidents: readonly IncidentItem[], asn: number): IncidentItem | undefined {
  const its = incidents.filter((incident) => incident.asn === asn && incident.kind === 'divergence')
  return its.find(({ scope }) => scope === 'network') ?? its[0]
}

function count(seen: Seen, { size, ok }: ClientMessage): void {
  seen[size].tried += 1
  if (ok) seen[size].completed += 1
}

function nothingSeen(): Seen {
  return { small: { tried: 0, completed: 0 }, large: { tried: 0, completed: 0 } }
}

function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`
}
