import { z } from 'zod'
import { CAUSES, type CauseInfo } from '../../core/causes.ts'
import { CONFIDENCES } from '../../core/store/handshake-row.ts'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { type CauseRow, EXAMPLES_FROM, type ExampleRow, readCauses, readExamples } from '../queries/causes.ts'
import { defineRoute } from '../route.ts'
import { count, rate, time, windowSchema } from '../schemas.ts'
import { iso, resolveWindow } from '../window.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'

const UNDECIDED = ['failed', 'noise', 'unknown'] as const
const CATALOGUE: Readonly<Record<string, CauseInfo>> = CAUSES

const explanationShape = {
  title: z.string(),
  meaning: z.string().describe('What happened.'),
  advice: z.string().describe('What to do about it.'),
}

export const catalogueRoute = defineRoute({
  path: '/v1/causes',
  tag: 'Causes',
  summary: 'Every cause, explained',
  description: 'The causes that a handshake can have, each with what it means and what to do about it.',
  scope: 'read',
  pathParameters: {},
  query: {},
  answer: z
    .strictObject({
      items: z.array(
        z
          .strictObject({
            cause: z.string().describe('Stable name.'),
            outcome: z.enum(UNDECIDED).describe('What a handshake with this cause counts as.'),
            ...explanationShape,
          })
          .meta({ id: 'Cause', description: 'A cause, explained.' }),
      ),
    })
    .meta({ id: 'Causes', description: 'The catalogue of causes.' }),
  async handle() {
    return { items: Object.entries(CATALOGUE).map(([cause, info]) => ({ cause, ...info })) }
  },
})

const networkCause = z
  .strictObject({
    cause: z.string(),
    ...explanationShape,
    handshakes: count('Handshakes with it.'),
    share: rate('Share of the handshakes of this outcome.'),
    clients: count('Distinct clients (estimated, within 1 %).'),
    first_seen: time('Start of the first minute with it; of the hour, in windows over 3 hours.'),
    last_seen: time('Start of the last minute with it; of the hour, in windows over 3 hours.'),
    confidence: z
      .record(z.enum(CONFIDENCES), count('Handshakes.'))
      .describe(`How sure the conclusions are: counts among the latest ${EXAMPLES_FROM} of this outcome.`),
    example: z
      .strictObject({
        id: z.string().describe('The connection, for /v1/connections?id=…'),
        decided_at: time('When.'),
        evidence: z.string().describe('What the conclusion rests on.'),
      })
      .nullable()
      .describe(`The latest; null when it is not among the latest ${EXAMPLES_FROM} or no longer stored.`),
  })
  .meta({ id: 'NetworkCause', description: 'A cause in one network.' })

export const networkCausesRoute = defineRoute({
  path: '/v1/networks/:asn/causes',
  tag: 'Networks',
  summary: 'Causes in one network',
  description:
    'Why its handshakes fail: each cause with its share, what it means, what to do, and the latest handshake that shows it.',
  scope: 'read',
  notFound: NEVER_SEEN,
  pathParameters: networkPath,
  query: {
    ...networkQuery,
    outcome: oneOf(UNDECIDED).default('failed').describe('Whose causes.'),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      asn: count('AS number.'),
      outcome: z.enum(UNDECIDED),
      items: z.array(networkCause),
    })
    .meta({ id: 'NetworkCauses', description: 'Causes in one network, the most frequent first.' }),
  async handle({ path: { asn }, query }, { store, clock }) {
    const { label, site, ip_version, outcome } = query
    const window = resolveWindow(query, clock())
    const filter = { asns: [asn], label, site, ip_version, outcome }
    await seenOrNotFound(store, { asn, label })
    const [causes, examples] = await Promise.all([
      readCauses(store, window, filter),
      readExamples(store, window, filter),
    ])
    const exampleOf = new Map(examples.map((example) => [example.cause, example]))
    const items = causes.map((row) => causeItem(row, exampleOf.get(row.cause)))
    return { window: windowAnswer(window), asn, outcome, items }
  },
})

function causeItem(row: CauseRow, example: ExampleRow | undefined): z.output<typeof networkCause> {
  // A cause of a newer program, read by an older one, has its name and nothing else.
  const { title = row.cause, meaning = '', advice = '' } = CATALOGUE[row.cause] ?? {}
  const { cause, handshakes, share, clients, first, last } = row
  return {
    cause,
    title,
    meaning,
    advice,
    handshakes,
    share,
    clients,
    first_seen: iso(first * 1_000),
    last_seen: iso(last * 1_000),
    confidence: example?.confidences ?? { none: 0, possible: 0, likely: 0, certain: 0 },
    example:
      example === undefined
        ? null
        : { id: example.id, decided_at: iso(example.decided_at_ms), evidence: example.evidence },
  }
}
