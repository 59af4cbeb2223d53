/** What the scenario reads of the API: the fields it shows, of what docs/api.md describes. */
export type NetworkItem = {
  asn: number
  network: string
  handshakes: number
  completed: number
  failed: number
  success_rate: number | null
  dominant_cause: { cause: string; share: number } | null
}

export type IncidentItem = {
  id: string
  asn: number
  scope: string
  kind: string
  opened_at: string
  cause: string
  cause_share: number
  explanation: string
}

export type ApiReader = {
  /** Figures of the networks from a moment (ms since 1970) on, by ASN; those without handshakes are absent. */
  networks(asns: readonly number[], window: { from: number; to?: number }): Promise<Map<number, NetworkItem>>
  /** Incidents of the networks and their prefixes, open and closed, from a moment on. */
  incidents(asns: readonly number[], from: number): Promise<IncidentItem[]>
  /** The evidence of the latest failed handshake, '' when there is none. */
  evidence(asn: number, from: number): Promise<string>
}

const TIMEOUT_MS = 20_000

export function createApiReader({
  url,
  token,
  signal,
}: {
  url: string
  token: string | undefined
  signal: AbortSignal
}): ApiReader {
  async function get<T>(path: string, query: Record<string, string | number>): Promise<T[]> {
    const target = new URL(path, url)
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, String(value))
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(target, {
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    if (!response.ok) throw new Error(`${target} answered ${response.status}: ${await response.text()}`)
    // The API checks its answers against the schema that its documentation is made of.
    return ((await response.json()) as { items: T[] }).items
  }
  return {
    async networks(asns, window) {
      const items = await get<NetworkItem>('/v1/networks', { asn: asns.join(','), ...window })
      return new Map(items.map((item) => [item.asn, item]))
    },
    async incidents(asns, from) {
      const query = (asn: number) => get<IncidentItem>('/v1/divergences', { asn, from, state: 'all' })
      return (await Promise.all(asns.map(query))).flat()
    },
    async evidence(asn, from) {
      const query = { asn, from, outcome: 'failed', limit: 1 }
      const [latest] = await get<{ evidence: string }>('/v1/connections', query)
      return latest?.evidence ?? ''
    },
  }
}
