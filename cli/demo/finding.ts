import { causeOf } from '../cause-of.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'

/** What `GET /v1/divergences` says of an incident, as far as the demo shows it. */
export type Divergence = {
  asn: number
  label: string
  prefix: string
  scope: string
  onset: string
  failure_rate: number
  expected_rate: number
  failing_clients: number
  cause: string
  cause_share: number
  explanation: string
  odds: string
}

/** What `GET /v1/alerts` says of an alert, as far as the demo shows it. */
export type FiringAlert = {
  rule: string
  severity: string
  scope: string
  asn: number
  fired_at: string
  resolved_at: string | null
  explanation: string
}

/** What `GET /v1/networks` says of a network, as far as the demo shows it. */
export type NetworkItem = {
  asn: number
  network: string
  handshakes: number
  success_rate: number | null
  baseline_success_rate: number | null
  world_success_rate: number | null
}

export async function fetchDivergences(url: string): Promise<Divergence[]> {
  return (await fetchItems<Divergence>(`${url}/v1/divergences`)).filter(({ scope }) => scope !== 'prefix')
}

export function fetchAlerts(url: string): Promise<FiringAlert[]> {
  return fetchItems<FiringAlert>(`${url}/v1/alerts`)
}

/** What fired within the hour and is over. */
export async function fetchResolved(url: string): Promise<FiringAlert[]> {
  return (await fetchItems<FiringAlert>(`${url}/v1/alerts/history`)).filter(
    ({ resolved_at }) => resolved_at !== null,
  )
}

/** The network's figures since the divergence began, and those it is compared with. */
export async function fetchNetwork(
  url: string,
  { asn, onset }: Divergence,
): Promise<NetworkItem | undefined> {
  const [item] = await fetchItems<NetworkItem>(
    `${url}/v1/networks?asn=${asn}&from=${encodeURIComponent(onset)}`,
  )
  return item
}

async function fetchItems<Item>(url: string): Promise<Item[]> {
  const answer = await fetch(url)
  const body = (await answer.json()) as { items?: Item[]; detail?: string }
  if (body.items === undefined)
    throw new Error(`${url} answered ${answer.status}: ${body.detail ?? 'no items'}`)
  return body.items
}

/** The finding for a person: the figures in a row, the sentence, and what to do about it. */
export function findingText(
  found: readonly { divergence: Divergence; network: NetworkItem | undefined }[],
  io: Io,
): string {
  const header = ['network', 'handshakes', 'success', 'usual', 'the world', 'since (UTC)', 'cause']
  const rows = found.map(({ divergence, network }) => [
    `AS${divergence.asn} ${network?.network ?? ''}`.trim(),
    network?.handshakes ?? 0,
    percent(network?.success_rate),
    percent(network?.baseline_success_rate),
    percent(network?.world_success_rate),
    divergence.onset.slice(11, 16),
    divergence.cause,
  ])
  const sentences = found.map(({ divergence }) => explain(divergence, io))
  return [table(header, rows, io), ...sentences].join('\n\n')
}

function explain({ explanation, odds, cause }: Divergence, io: Io): string {
  const about = causeOf(cause)
  const lines = [`${io.red('▲')} ${explanation}.`, `  By chance: ${odds}.`]
  if (about !== undefined) {
    lines.push(
      wrap(`${io.bold('What it means:')} ${about.meaning}`),
      wrap(`${io.bold('What to do:')} ${about.advice}`),
    )
  }
  return lines.join('\n')
}

function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? '-' : `${(rate * 100).toFixed(1)} %`
}

/** Breaks a sentence into lines of at most `width`, indented by two. */
function wrap(text: string, width = 100): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.length - 1
    const longer = `${lines[last]} ${word}`.trim()
    if (longer.length > width) lines.push(word)
    else lines[last] = longer
  }
  return lines.map((line) => `  ${line}`).join('\n')
}
