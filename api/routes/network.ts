import { z } from 'zod'
import { POST_QUANTUM, STAGES } from '../../core/store/handshake-row.ts'
import { byKey, countsOf, type Decidable, funnel, without } from '../breakdown.ts'
import { baselineWindow, compare } from '../comparison.ts'
import { windowAnswer } from '../paging.ts'
import { findIncidents } from '../queries/incidents.ts'
import { readCells, readClientsOf, readDecidedOf } from '../queries/network.ts'
import { defineRoute } from '../route.ts'
import {
  count,
  countsShape,
  decidedShape,
  latencySchema,
  successRate,
  time,
  windowSchema,
} from '../schemas.ts'
import { iso, resolveWindow } from '../window.ts'
import { incidentItem, incidentSchema } from './incident.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'
import { comparisonShape } from './networks.ts'

const HELLO_SIZES = ['unknown', 'to_500', 'to_1200', 'to_1460', 'larger'] as const
const MOST_INCIDENTS = 100

const networkAnswer = z
  .strictObject({
    window: windowSchema,
    baseline: z.strictObject({ from: windowSchema.shape.from, to: windowSchema.shape.to }),
    asn: count('AS number.'),
    network: z.string().describe('Its name in the address database, empty when it has none.'),
    label: z.string().nullable().describe('The label asked for; null when the figures cover all of them.'),
    labels: z
      .array(z.strictObject({ label: z.string(), handshakes: count('Stored handshakes with it.') }))
      .describe('Every label of the network, the busiest first; empty text for the part without one.'),
    first_seen: time('Start of the first hour of which a handshake is stored.'),
    last_seen: time('Start of the last hour of which a handshake is stored.'),
    ...countsShape,
    ...comparisonShape,
    clients: count('Distinct clients with a completed or failed handshake (estimated, within 1 %).'),
    failed_clients: count('Distinct clients with a failed handshake (estimated, within 1 %).'),
    handshake_ms: latencySchema,
    stages: z
      .array(
        z.strictObject({
          stage: z.enum(STAGES),
          reached: count('Handshakes that came at least so far.'),
          failed: count('Handshakes that failed here.'),
        }),
      )
      .describe('The funnel: completed and failed handshakes by how far they came.'),
    hello_sizes: z
      .array(z.strictObject({ hello_size: z.enum(HELLO_SIZES), ...decidedShape }))
      .describe('By size of the ClientHello in bytes: up to 500, 1200, 1460, or larger.'),
    post_quantum: z
      .array(z.strictObject({ hello_post_quantum: z.enum(POST_QUANTUM), ...decidedShape }))
      .describe('By whether the ClientHello offers a post-quantum group.'),
    sites: z.array(z.strictObject({ site: z.string(), ...decidedShape })).describe('By site.'),
    ip_versions: z
      .array(z.strictObject({ ip_version: z.literal([4, 6]), ...decidedShape }))
      .describe('By IP version.'),
    incidents: z.array(incidentSchema).describe('Open incidents of the network and its prefixes.'),
  })
  .meta({ id: 'Network', description: 'One network in a window.' })

export const networkRoute = defineRoute({
  path: '/v1/networks/:asn',
  tag: 'Networks',
  summary: 'One network',
  description:
    'Totals, own past and rest of the world, how far its handshakes come, whether large or post-quantum ClientHellos do worse, and its open incidents. Breakdowns count completed and failed handshakes only.',
  scope: 'read',
  notFound: NEVER_SEEN,
  pathParameters: networkPath,
  query: networkQuery,
  answer: networkAnswer,
  async handle({ path: { asn }, query }, { store, clock }) {
    const { label, site, ip_version } = query
    const time = clock()
    const window = resolveWindow(query, time)
    const past = baselineWindow(window, time.minutesKeptFrom)
    const scope = { site, ip_version }
    const own = { ...scope, asns: [asn], label }
    const seen = await seenOrNotFound(store, { asn, label })
    const [cells, before, all, clients, incidents] = await Promise.all([
      readCells(store, window, own),
      readDecidedOf(store, past, own),
      readDecidedOf(store, window, scope),
      readClientsOf(store, window, own),
      findIncidents(store, { filter: { state: 'open', asn, label }, limit: MOST_INCIDENTS }),
    ])
    const counts = countsOf(cells)
    const { from, to } = windowAnswer(past)
    const [p50 = null, p95 = null] = clients?.quantiles ?? []
    return {
      window: windowAnswer(window),
      baseline: { from, to },
      asn,
      network: seen.network,
      label: label ?? null,
      labels: seen.labels,
      first_seen: iso(seen.first * 1_000),
      last_seen: iso(seen.last * 1_000),
      ...counts,
      ...compare(counts, before, without(all, counts)),
      clients: clients?.clients ?? 0,
      failed_clients: clients?.failed_clients ?? 0,
      handshake_ms: { p50, p95 },
      stages: funnel(cells),
      hello_sizes: byKey(cells, ({ hello_size }) => hello_size, HELLO_SIZES).map(([hello_size, decided]) => ({
        hello_size,
        ...rated(decided),
      })),
      post_quantum: byKey(cells, (cell) => cell.hello_post_quantum, POST_QUANTUM).map(
        ([hello_post_quantum, decided]) => ({ hello_post_quantum, ...rated(decided) }),
      ),
      sites: byKey(cells, (cell) => cell.site).map(([name, decided]) => ({ site: name, ...rated(decided) })),
      ip_versions: byKey(cells, (cell) => cell.ip_version).map(([version, decided]) => ({
        ip_version: version,
        ...rated(decided),
      })),
      incidents: incidents.map(incidentItem),
    }
  },
})

function rated(decided: Decidable) {
  return { ...decided, success_rate: successRate(decided) }
}
