import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { findPrefixes, PREFIX_SORTS, readPrefixDetails } from '../queries/prefixes.ts'
import { defineRoute } from '../route.ts'
import { count, countsShape, nextCursor, pageQuery, rate, successRate, windowSchema } from '../schemas.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'
import { dominantCauseSchema } from './networks.ts'

const SORTS = Object.keys(PREFIX_SORTS) as [keyof typeof PREFIX_SORTS]
const prefixKey = z.tuple([z.number().nullable(), z.string().max(64), z.string().max(1_024)])

const prefixItem = z
  .strictObject({
    prefix: z.string().describe('In CIDR notation.'),
    label: z.string(),
    ip_version: z.literal([4, 6]),
    ...countsShape,
    failed_share: rate("Its share of the network's failed handshakes."),
    failed_clients: count('Distinct clients with a failed handshake.'),
    dominant_cause: dominantCauseSchema.nullable(),
  })
  .meta({ id: 'PrefixItem', description: 'One prefix of a network.' })

export const prefixesRoute = defineRoute({
  path: '/v1/networks/:asn/prefixes',
  tag: 'Networks',
  summary: 'Prefixes of one network',
  description:
    'Where in the network it fails: its prefixes with their counts, by default those with the most failures first.',
  scope: 'read',
  notFound: NEVER_SEEN,
  pathParameters: networkPath,
  query: {
    ...networkQuery,
    sort: oneOf(SORTS).default('failed').describe('What to sort by.'),
    order: oneOf(['asc', 'desc']).default('desc').describe('Smallest or largest first.'),
    ...pageQuery({ max: 500, usual: 50 }),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      asn: count('AS number.'),
      items: z.array(prefixItem),
      next_cursor: nextCursor,
    })
    .meta({ id: 'Prefixes', description: "A page of a network's prefixes." }),
  async handle({ path: { asn }, query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: prefixKey })
    const { label, site, ip_version, sort, order, limit } = query
    const filter = { asns: [asn], label, site, ip_version }
    await seenOrNotFound(store, { asn, label })
    const found = await findPrefixes(store, { window, filter, sort, order, after, limit })
    const { page, next_cursor } = finishPage(found, {
      limit,
      window,
      asked,
      keyOf: (row) => [row.sort_value, row.prefix, row.label],
    })
    const details = await readPrefixDetails(store, page, { window, filter })
    const items = page.map(({ sort_value: _, all_failed, ...row }) => ({
      ...row,
      handshakes: row.completed + row.failed + row.noise + row.unknown,
      success_rate: successRate(row),
      failed_share: all_failed === 0 ? 0 : row.failed / all_failed,
      failed_clients: details(row).failed_clients,
      dominant_cause: details(row).cause,
    }))
    return { window: windowAnswer(window), asn, items, next_cursor }
  },
})
