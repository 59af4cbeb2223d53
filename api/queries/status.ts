import type { Queries } from '../bounded-store.ts'

export type TotalsRow = {
  raw: number
  minutes: number
  hours: number
  networks: number
  dead_letters: number
  /** ms since 1970; 0 when nothing is stored. */
  latest_decided_ms: number
  latest_received_ms: number
}

/** How much is stored, and how new it is. Handshakes, not rows, are counted in the rollups. */
export async function readTotals(store: Queries): Promise<TotalsRow | undefined> {
  const [row] = await store.query<TotalsRow>(`
SELECT
  (SELECT count() FROM handshakes) AS raw,
  (SELECT sum(handshakes) FROM minutes_by_network) AS minutes,
  (SELECT sum(handshakes) FROM hours_by_network) AS hours,
  (SELECT uniqExact(asn, label) FROM hours_by_network) AS networks,
  (SELECT count() FROM dead_letters) AS dead_letters,
  (SELECT toUnixTimestamp64Milli(max(decided_at)) FROM handshakes) AS latest_decided_ms,
  (SELECT toUnixTimestamp64Milli(max(received_at)) FROM batches) AS latest_received_ms`)
  return row
}

export type AgentRow = {
  agent: string
  last_seen_ms: number
  runs: number
  batches: number
  accepted: number
  handshakes: number
  rejected: number
}

export const MOST_AGENTS = 1_000

/** Agents by when their last batch came, the latest first. */
export function readAgents(store: Queries): Promise<AgentRow[]> {
  return store.query<AgentRow>(`
SELECT
  agent,
  toUnixTimestamp64Milli(max(received_at)) AS last_seen_ms,
  uniqExact(epoch) AS runs,
  count() AS batches,
  sum(b.accepted) AS accepted,
  sum(b.handshakes) AS handshakes,
  sum(b.rejected) AS rejected
FROM batches AS b
GROUP BY agent
ORDER BY last_seen_ms DESC, agent
LIMIT ${MOST_AGENTS}`)
}
