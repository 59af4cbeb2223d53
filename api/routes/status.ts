import { z } from 'zod'
import { MOST_AGENTS, readAgents, readTotals, type TotalsRow } from '../queries/status.ts'
import { defineRoute } from '../route.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'

export const statusRoute = defineRoute({
  path: '/v1/status',
  tag: 'Operations',
  summary: 'What is stored, and who reports',
  description: `How much the store holds and how new it is, and the ${MOST_AGENTS} agents that reported last, by their stored batches.`,
  scope: 'read',
  pathParameters: {},
  query: {},
  answer: z
    .strictObject({
      now: time("The server's clock."),
      stored: z.strictObject({
        raw: count('Single handshakes.'),
        minutes: count('Handshakes in the rollups by minute.'),
        hours: count('Handshakes in the rollups by hour.'),
        networks: count('Networks, counted by AS number and label.'),
        dead_letters: count('Lines that were refused.'),
      }),
      latest_decided_at: time('Newest handshake; null when nothing is stored.').nullable(),
      latest_received_at: time('When the last batch came in; null when none did.').nullable(),
      agents: z.array(
        z.strictObject({
          agent: z.string(),
          last_seen: time('When its last batch came in.'),
          runs: count('Starts of the agent.'),
          batches: count('Batches stored.'),
          accepted: count('Events accepted.'),
          handshakes: count('Handshakes stored.'),
          rejected: count('Lines refused.'),
        }),
      ),
    })
    .meta({ id: 'Status', description: 'What is stored.' }),
  async handle(_call, { store, clock }) {
    const [totals, agents] = await Promise.all([readTotals(store), readAgents(store)])
    const { latest_decided_ms, latest_received_ms, ...stored } = totals ?? NOTHING
    return {
      now: iso(clock().now),
      stored,
      latest_decided_at: timeOrNull(latest_decided_ms),
      latest_received_at: timeOrNull(latest_received_ms),
      agents: agents.map(({ last_seen_ms, ...agent }) => ({ ...agent, last_seen: iso(last_seen_ms) })),
    }
  },
})

const NOTHING: TotalsRow = {
  raw: 0,
  minutes: 0,
  hours: 0,
  networks: 0,
  dead_letters: 0,
  latest_decided_ms: 0,
  latest_received_ms: 0,
}

function timeOrNull(ms: number): string | null {
  return ms === 0 ? null : iso(ms)
}
