import { z } from 'zod'
import { CAUSES, type CauseInfo } from '../../core/causes.ts'
import { OUTCOMES } from '../../core/store/handshake-row.ts'
import { baselineWindow, compare, LEAST_BASELINE } from '../comparison.ts'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { asns, integer, oneOf, share, text } from '../parameter-types.ts'
import { readDetails } from '../queries/details.ts'
import { findNetworks, NETWORK_SORTS, type NetworkFilter, type NetworkRow } from '../queries/networks.ts'
import { defineRoute } from '../route.ts'
import {
  count,
  countsShape,
  latencySchema,
  nextCursor,
  pageQuery,
  rate,
  scopeQuery,
  windowQuery,
  windowSchema,
} from '../schemas.ts'

export const comparisonShape = {
  baseline_success_rate: rate(
    `The network's own rate in the 7 days before the window; null with fewer than ${LEAST_BASELINE} completed or failed handshakes there.`,
  ).nullable(),
  baseline_handshakes: count('Completed and failed handshakes that the baseline rests on.'),
  world_success_rate: rate(
    'Rate of all other networks in the same window; null when there are none.',
  ).nullable(),
  divergence: z
    .number()
    .nullable()
    .describe(
      'How far the rate lies below what is expected: the lower of baseline and world. 0.4 is 40 percentage points.',
    ),
  excess_failures: z
    .number()
    .nullable()
    .describe('Failed handshakes beyond what the expected rate would have given.'),
}

export const dominantCauseSchema = z
  .strictObject({
    cause: z.string().describe('Name of the cause; /v1/causes explains it.'),
    share: rate('Its share of the failed handshakes.'),
  })
  .meta({ id: 'DominantCause', description: 'The cause that most failed handshakes have.' })

const networkItem = z
  .strictObject({
    asn: count('AS number; 0 when the address is announced by none or could not be looked up.'),
    network: z.string().describe('Its name in the address database, empty when it has none.'),
    label: z.string().describe("The operator's own name for it (networks.csv), empty when it has none."),
    ...countsShape,
    ...comparisonShape,
    dominant_cause: dominantCauseSchema.nullable(),
    handshake_ms: latencySchema,
    clients: count('Distinct clients with a completed or failed handshake (estimated, within 1 %).'),
    failed_clients: count('Distinct clients with a failed handshake (estimated, within 1 %).'),
    trend: z
      .array(rate('Success rate in the step; null when nothing was completed or failed.').nullable())
      .nullable()
      .describe(
        'Success rates from the start of the window to its end, in equal steps; null when not asked.',
      ),
  })
  .meta({ id: 'NetworkItem', description: 'One network, or the part of it that bears a label.' })

const FAILURES = Object.entries<CauseInfo>(CAUSES)
  .filter(([, { outcome }]) => outcome === 'failed')
  .map(([name]) => name) as [string]
const sorts = Object.keys(NETWORK_SORTS) as [keyof typeof NETWORK_SORTS]
const networkKey = z.tuple([z.number().nullable(), z.int().min(0).max(4_294_967_295), z.string().max(1_024)])

export const networksRoute = defineRoute({
  path: '/v1/networks',
  tag: 'Networks',
  summary: 'Networks by success rate',
  description:
    'Every network seen in the window with its handshakes by outcome, its success rate, and that rate beside its own past and the rest of the world. Networks without a figure to sort by come last.',
  scope: 'read',
  pathParameters: {},
  query: {
    ...windowQuery,
    ...scopeQuery,
    asn: asns().optional().describe('Only these networks.'),
    label: text().optional().describe('Only with this label; give it empty for networks without one.'),
    search: text({ min: 1 })
      .optional()
      .describe(
        'Part of the name or label in any case, the beginning of the AS number or of a prefix, or an address or prefix that one of its prefixes overlaps.',
      ),
    min_success_rate: share().optional().describe('Only with at least this success rate.'),
    max_success_rate: share().optional().describe('Only with at most this success rate.'),
    outcome: oneOf(OUTCOMES)
      .default('failed')
      .describe('The outcome that min_outcome_share and max_outcome_share look at.'),
    min_outcome_share: share().optional().describe('Only where the outcome has at least this share.'),
    max_outcome_share: share().optional().describe('Only where the outcome has at most this share.'),
    min_handshakes: integer({ min: 0, max: 1e12 })
      .optional()
      .describe('Only with at least so many handshakes of every outcome.'),
    cause: oneOf(FAILURES).optional().describe('Only where most failures have this cause.'),
    trend: integer({ min: 2, max: 100 })
      .optional()
      .describe('Also give the success rate in so many steps of the window, or fewer.'),
    sort: oneOf(sorts).default('handshakes').describe('What to sort by.'),
    order: oneOf(['asc', 'desc']).default('desc').describe('Smallest or largest first.'),
    ...pageQuery({ max: 200, usual: 50 }),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      baseline: z
        .strictObject({ from: windowSchema.shape.from, to: windowSchema.shape.to })
        .describe('The time that the baseline is made of, as far as it is stored.'),
      items: z.array(networkItem),
      next_cursor: nextCursor,
    })
    .meta({ id: 'Networks', description: 'A page of networks.' }),
  async handle({ query, asked }, { store, clock }) {
    const time = clock()
    const { window, after } = startPage({ query, asked }, { clock: time, key: networkKey })
    const past = baselineWindow(window, time.minutesKeptFrom)
    const { site, ip_version } = query
    const scope = { site, ip_version }
    const found = await findNetworks(store, { ...query, window, past, scope, where: filterOf(query), after })
    const { limit, trend } = query
    const { page, next_cursor } = finishPage(found, {
      limit,
      window,
      asked,
      keyOf: (row: NetworkRow) => [row.sort_value, row.asn, row.label],
    })
    const details = await readDetails(store, page, { window, past, scope, trend })
    const { from, to } = windowAnswer(past)
    return {
      window: windowAnswer(window),
      baseline: { from, to },
      items: page.map((row) => itemOf(row, details(row))),
      next_cursor,
    }
  },
})

function itemOf(
  row: NetworkRow,
  { past, cause, ...details }: ReturnType<Awaited<ReturnType<typeof readDetails>>>,
): z.output<typeof networkItem> {
  const { asn, network, label, completed, failed, noise, unknown } = row
  return {
    asn,
    network,
    label,
    handshakes: completed + failed + noise + unknown,
    completed,
    failed,
    noise,
    unknown,
    ...compare(row, past, { completed: row.world_completed, failed: row.world_failed }),
    dominant_cause: cause,
    ...details,
  }
}

/** The parameters that choose among the networks. */
function filterOf({
  asn: asns,
  label,
  search,
  outcome,
  min_outcome_share,
  max_outcome_share,
  min_success_rate,
  max_success_rate,
  min_handshakes,
  cause,
}: NetworkFilter & { asn?: readonly number[] | undefined }): NetworkFilter {
  const shares = { outcome, min_outcome_share, max_outcome_share }
  return { asns, label, search, ...shares, min_success_rate, max_success_rate, min_handshakes, cause }
}
