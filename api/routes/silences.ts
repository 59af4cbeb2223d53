import { z } from 'zod'
import { SILENCE_STATES, type Silence } from '../../alerts/silence.ts'
import { createSilenceTable } from '../../alerts/silence-table.ts'
import { Problem } from '../../core/runtime/problem.ts'
import type { Inserts, Queries } from '../bounded-store.ts'
import { finishPage, startPage } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { findSilences, matching } from '../queries/silences.ts'
import { type Context, defineRoute } from '../route.ts'
import { nextCursor, pageQuery } from '../schemas.ts'
import { matchedSilenceSchema, silenceItem, silencePath, silenceSchema, UNKNOWN_SILENCE } from './silence.ts'

const silenceKey = z.tuple([z.int().min(0), z.string().max(64)])

export const silencesRoute = defineRoute({
  path: '/v1/silences',
  tag: 'Silences',
  summary: 'Silences',
  description: 'Silences that hold, are to come or are over, the one ordered last first.',
  scope: 'read',
  pathParameters: {},
  query: {
    state: oneOf(SILENCE_STATES).optional().describe('Only those; all when left out.'),
    ...pageQuery({ max: 500, usual: 100 }),
  },
  answer: z
    .strictObject({ items: z.array(silenceSchema), next_cursor: nextCursor })
    .meta({ id: 'Silences', description: 'A page of silences.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: silenceKey })
    const { state, limit } = query
    const { now } = clock()
    const found = await findSilences(store, { state, now, after, limit: limit + 1 })
    const { page, next_cursor } = finishPage(found, { limit, window, asked, keyOf })
    return { items: page.map((silence) => silenceItem(silence, now)), next_cursor }
  },
})

export const silenceRoute = defineRoute({
  path: '/v1/silences/:id',
  tag: 'Silences',
  summary: 'One silence',
  description: 'A silence, and how many alerts that fire now it names.',
  scope: 'read',
  notFound: UNKNOWN_SILENCE,
  pathParameters: silencePath,
  query: {},
  answer: matchedSilenceSchema,
  async handle({ path: { id } }, context) {
    return matchedItem(context, await silenceOrNotFound(context.store, id))
  },
})

export async function silenceOrNotFound(store: Queries & Inserts, id: string): Promise<Silence> {
  const silence = await createSilenceTable(store).silence(id)
  if (silence !== undefined) return silence
  throw new Problem({
    status: 404,
    type: 'silence-not-found',
    title: 'Silence not found',
    detail: `no silence has the id ${JSON.stringify(id)}; /v1/silences lists them`,
  })
}

export async function matchedItem({ store, clock }: Pick<Context, 'store' | 'clock'>, silence: Silence) {
  return { ...silenceItem(silence, clock().now), matches: (await matching(store, silence)).length }
}

function keyOf({ created_at, id }: Silence): [number, string] {
  return [created_at, id]
}
