import { z } from 'zod'
import { RADAR_STAGES, radarStage } from '../../core/radar-stage.ts'
import { CONFIDENCES, LOOKUPS, OUTCOMES, POST_QUANTUM, STAGES } from '../../core/store/handshake-row.ts'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { address, asn, ipVersion, oneOf, prefix, text } from '../parameter-types.ts'
import { type ConnectionRow, findConnections } from '../queries/connections.ts'
import { defineRoute } from '../route.ts'
import { count, nextCursor, pageQuery, time, windowQuery, windowSchema } from '../schemas.ts'
import { iso } from '../window.ts'

const connectionKey = z.tuple([z.int().min(0).max(7_258_118_400_000), z.string().max(64)])
const kernel = (what: string) => count(what).nullable()

const connectionItem = z
  .strictObject({
    id: z.string(),
    agent: z.string(),
    epoch: count('Run of the agent.'),
    sequence: count('Batch of the run.'),
    site: z.string(),
    opened_at: time('When the connection was accepted.'),
    decided_at: time('When the handshake completed or ended.'),
    received_at: time('When the event came in.'),
    handshake_ms: count('From opened to decided.'),
    source_address: z.string().describe("The client's; its prefix where addresses are stored truncated."),
    source_port: count("The client's."),
    destination_address: z.string(),
    destination_port: count("The server's."),
    ip_version: z.literal([4, 6]),
    prefix: z.string(),
    client: z
      .string()
      .describe('Keyed hash of the whole address, decimal digits: equal for the same client.'),
    asn: count('0 when unknown.'),
    network: z.string(),
    label: z.string(),
    lookup: z
      .enum(LOOKUPS)
      .describe('`known`; `unknown`: no network announces it; `broken`: the database could not be asked.'),
    server_name: z.string(),
    tls_version: z.string(),
    cipher: z.string(),
    alpn: z.string(),
    hello_bytes: count('null when the ClientHello was not seen.').nullable(),
    hello_segments: count('null when not seen.').nullable(),
    hello_post_quantum: z.enum(POST_QUANTUM),
    bytes_in: count('Read from the client until decided.'),
    bytes_out: count('Handed to the kernel until decided.'),
    ended_by: z.string().describe('Empty when completed.'),
    alert: z.int().nullable().describe('Number of the TLS alert; null without one.'),
    alert_side: z.string(),
    error: z.string(),
    tcp_rtt_us: kernel('TCP_INFO; null, as all tcp_ figures, when the kernel was not asked.'),
    tcp_mss: kernel('TCP_INFO.'),
    tcp_pmtu: kernel('TCP_INFO.'),
    tcp_segs_in: kernel('TCP_INFO, segments with data that arrived.'),
    tcp_segs_out: kernel('TCP_INFO, segments with data sent.'),
    tcp_ooo: kernel('TCP_INFO, segments that arrived out of order.'),
    tcp_bytes_acked: kernel('TCP_INFO.'),
    tcp_unacked: kernel('TCP_INFO.'),
    tcp_lost: kernel('TCP_INFO.'),
    tcp_sacked: kernel('TCP_INFO.'),
    tcp_retrans: kernel('TCP_INFO.'),
    outcome: z.enum(OUTCOMES),
    stage: z.enum(STAGES).describe('How far it came.'),
    radar_stage: z
      .enum(RADAR_STAGES)
      .describe('Where Cloudflare Radar would have put it among TCP resets and timeouts.'),
    cause: z.string().describe('Empty when completed.'),
    confidence: z.enum(CONFIDENCES),
    evidence: z.string(),
  })
  .meta({
    id: 'Connection',
    description: 'One handshake as it is stored. Texts are empty where nothing is known.',
  })

export const connectionsRoute = defineRoute({
  path: '/v1/connections',
  tag: 'Connections',
  summary: 'Latest handshakes',
  description:
    'Single handshakes with the facts reported and the conclusions drawn, the latest first. This reads the raw table: name a network or keep the window short.',
  scope: 'read',
  pathParameters: {},
  query: {
    ...windowQuery,
    asn: asn().optional().describe('Only of this network.'),
    label: text().optional().describe('Only with this label.'),
    prefix: prefix().optional().describe('Only of this prefix.'),
    address: address()
      .optional()
      .describe('Only from this address; finds nothing where addresses are stored truncated.'),
    ip_version: ipVersion().optional().describe('Only IPv4 (4) or only IPv6 (6).'),
    outcome: oneOf(OUTCOMES).optional().describe('Only with this outcome.'),
    stage: oneOf(STAGES).optional().describe('Only those that came just so far.'),
    cause: text({ max: 64 }).optional().describe('Only with this cause.'),
    confidence: oneOf(CONFIDENCES).optional().describe('Only with this confidence.'),
    site: text({ max: 64 }).optional().describe('Only at this site.'),
    server_name: text().optional().describe('Only with this server name.'),
    agent: text({ max: 128 }).optional().describe('Only from this agent.'),
    id: text({ min: 1, max: 64 }).optional().describe('Only the connection with this id.'),
    ...pageQuery({ max: 500, usual: 50 }),
  },
  answer: z
    .strictObject({
      window: windowSchema.pick({ from: true, to: true }),
      items: z.array(connectionItem),
      next_cursor: nextCursor,
    })
    .meta({ id: 'Connections', description: 'A page of handshakes.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: connectionKey })
    const { from: _from, to: _to, cursor: _cursor, limit, ...filter } = query
    const found = await findConnections(store, { window, filter, after, limit })
    const { page, next_cursor } = finishPage(found, {
      limit,
      window,
      asked,
      keyOf: (row) => [row.decided_at_ms, row.id],
    })
    const { from, to } = windowAnswer(window)
    return { window: { from, to }, items: page.map(itemOf), next_cursor }
  },
})

function itemOf(row: ConnectionRow): z.output<typeof connectionItem> {
  const {
    source,
    destination,
    client_hash,
    opened_at_ms,
    decided_at_ms,
    received_at_ms,
    tcp_seen,
    ...facts
  } = row
  return {
    ...facts,
    opened_at: iso(opened_at_ms),
    decided_at: iso(decided_at_ms),
    received_at: iso(received_at_ms),
    source_address: plainAddress(source),
    destination_address: plainAddress(destination),
    client: client_hash,
    hello_bytes: facts.hello_bytes === 0 ? null : facts.hello_bytes,
    hello_segments: facts.hello_segments === 0 ? null : facts.hello_segments,
    alert: facts.alert < 0 ? null : facts.alert,
    ...(tcp_seen ? {} : NOT_ASKED),
    radar_stage: radarStage(row),
  }
}

const NOT_ASKED = {
  tcp_rtt_us: null,
  tcp_mss: null,
  tcp_pmtu: null,
  tcp_segs_in: null,
  tcp_segs_out: null,
  tcp_ooo: null,
  tcp_bytes_acked: null,
  tcp_unacked: null,
  tcp_lost: null,
  tcp_sacked: null,
  tcp_retrans: null,
}

/** IPv4 is stored as ::ffff:a.b.c.d. */
function plainAddress(stored: string): string {
  return stored.startsWith('::ffff:') && stored.includes('.') ? stored.slice('::ffff:'.length) : stored
}
