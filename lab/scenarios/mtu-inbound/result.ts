import type { Size } from './hello.ts'
import type { Part } from './lab.ts'

/** What the clients of a network saw for themselves since the path broke: handshakes tried and completed, by size. */
export type Seen = Record<Size, { tried: number; completed: number }>

export type NetworkResult = {
  asn: number
  /** As the pipeline names it. */
  network: string
  expected: Part
  /** Whether the detector opened an incident for it, or for one of its prefixes. */
  flagged: boolean
  /** Dominant cause: of the incident, else of the failed handshakes; '' when none failed. */
  cause: string
  /** completed / (completed + failed), 0–1, before the path broke and since; null without handshakes. */
  success_rate_before: number | null
  success_rate: number | null
  handshakes: number
  failed: number
  /** The pipeline's evidence for the latest failure. */
  evidence: string
  /** The incident in a sentence; '' when there is none. */
  explanation: string
  clients: Seen
}

export type MtuInboundResult = {
  scenario: 'mtu-inbound'
  /** Broken flagged with cause `mtu_inbound`, healthy not flagged. */
  ok: boolean
  /** ISO 8601. */
  broken_at: string
  flagged_at: string | null
  seconds_to_flag: number | null
  networks: NetworkResult[]
}

/** Whether the pipeline found what there is to find, and nothing else. */
export function isRight(networks: readonly Pick<NetworkResult, 'expected' | 'flagged' | 'cause'>[]): boolean {
  return networks.every(({ expected, flagged, cause }) =>
    expected === 'broken' ? flagged && cause === 'mtu_inbound' : !flagged,
  )
}

/** The result as lines for a terminal. */
export function renderMtuInbound(result: MtuInboundResult): string {
  const rows = result.networks.map((network) => [
    `AS${network.asn} ${network.network}`,
    network.expected,
    network.flagged ? 'flagged' : 'not flagged',
    percent(network.success_rate_before),
    percent(network.success_rate),
    network.cause === '' ? '-' : network.cause,
    completedOf(network.clients.small),
    completedOf(network.clients.large),
  ])
  const header = ['network', 'path', 'concluded', 'before', 'since', 'cause', 'small hellos', 'large hellos']
  const lines = [...aligned([header, ...rows]), '']
  for (const { asn, evidence, explanation } of result.networks) {
    if (explanation !== '') lines.push(explanation)
    if (evidence !== '') lines.push(`AS${asn}, evidence: ${evidence}`)
  }
  return [...lines, verdictOf(result)].join('\n')
}

function verdictOf({ ok, seconds_to_flag }: MtuInboundResult): string {
  if (ok)
    return `Right: the broken network was flagged ${seconds_to_flag} s after its path broke, the healthy one was not.`
  if (seconds_to_flag === null) return 'Wrong: the broken network was not flagged in time.'
  return 'Wrong: see the columns "path" and "concluded".'
}

function completedOf({ tried, completed }: { tried: number; completed: number }): string {
  return `${completed} of ${tried}`
}

function percent(rate: number | null): string {
  return rate === null ? '-' : `${(rate * 100).toFixed(1)} %`
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join('  ')
      .trimEnd(),
  )
}
