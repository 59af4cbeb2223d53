import { z } from 'zod'
import { finishPage, startPage, windowAnswer } from '../paging.ts'
import { text } from '../parameter-types.ts'
import { countDeadLetters, findDeadLetters } from '../queries/dead-letters.ts'
import { defineRoute } from '../route.ts'
import { count, nextCursor, pageQuery, time, windowQuery, windowSchema } from '../schemas.ts'
import { iso } from '../window.ts'

const whole = z.int().min(0)
const deadLetterKey = z.tuple([
  whole.max(7_258_118_400_000),
  z.string().max(128),
  whole,
  whole,
  whole.max(4_294_967_295),
])

export const deadLettersRoute = defineRoute({
  path: '/v1/dead-letters',
  tag: 'Operations',
  summary: 'What could not be stored',
  description:
    'Lines that were refused, with their bytes and the reason: how many of each reason in the window, and the latest.',
  scope: 'admin',
  pathParameters: {},
  query: {
    ...windowQuery,
    reason: text({ min: 1, max: 64 }).optional().describe('Only with this reason.'),
    agent: text({ min: 1, max: 128 }).optional().describe('Only from this agent.'),
    ...pageQuery({ max: 200, usual: 20 }),
  },
  answer: z
    .strictObject({
      window: windowSchema.pick({ from: true, to: true }),
      reasons: z.array(
        z.strictObject({
          reason: z.string(),
          count: count('How many in the window.'),
          latest: time('When the last one came in.'),
        }),
      ),
      items: z.array(
        z
          .strictObject({
            received_at: time('When it came in.'),
            agent: z.string(),
            epoch: count('Run of the agent.'),
            sequence: count('Batch of the run.'),
            line: count('Line in the batch, from 1.'),
            reason: z.string().describe('Stable name; the same as on the metric.'),
            field: z.string().describe('The field at fault, empty when it is the line as a whole.'),
            message: z.string(),
            bytes: count('How long the line was.'),
            raw: z.base64().describe('Its bytes, base64; cut where it was too long.'),
          })
          .meta({ id: 'DeadLetter', description: 'A line that was refused.' }),
      ),
      next_cursor: nextCursor,
    })
    .meta({ id: 'DeadLetters', description: 'A page of dead letters.' }),
  async handle({ query, asked }, { store, clock }) {
    const { window, after } = startPage({ query, asked }, { clock: clock(), key: deadLetterKey })
    const { reason, agent, limit } = query
    const filter = { reason, agent }
    const [reasons, found] = await Promise.all([
      countDeadLetters(store, { window, filter }),
      findDeadLetters(store, { window, filter, after, limit }),
    ])
    const { page, next_cursor } = finishPage(found, {
      limit,
      window,
      asked,
      keyOf: (row) => [row.received_at_ms, row.agent, row.epoch, row.sequence, row.line],
    })
    const { from, to } = windowAnswer(window)
    return {
      window: { from, to },
      reasons: reasons.map(({ latest_ms, ...rest }) => ({ ...rest, latest: iso(latest_ms) })),
      items: page.map(({ received_at_ms, raw_base64, ...rest }) => ({
        ...rest,
        received_at: iso(received_at_ms),
        raw: raw_base64,
      })),
      next_cursor,
    }
  },
})
