import { z } from 'zod'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { type CausePointRow, readCausePoints } from '../queries/causes.ts'
import { defineRoute } from '../route.ts'
import { count, time, windowSchema } from '../schemas.ts'
import { chooseStep, MOST_POINTS, STEP_NAMES, STEPS, startsOf } from '../step.ts'
import { iso, resolveWindow } from '../window.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'

const UNDECIDED = ['failed', 'noise', 'unknown'] as const

const item = z
  .strictObject({
    cause: z.string().describe('Name of the cause; /v1/causes explains it.'),
    handshakes: count('Handshakes with it in the window.'),
    points: z
      .array(z.int().min(0))
      .describe('Handshakes with it in each step, in the order of `steps`; 0 where there was none.'),
  })
  .meta({ id: 'CauseOverTime', description: 'One cause, step by step.' })

export const causesTimeseriesRoute = defineRoute({
  path: '/v1/networks/:asn/causes/timeseries',
  tag: 'Networks',
  summary: 'Causes in one network over time',
  description: `How many handshakes had each cause, step by step. The window is widened to whole steps; at most ${MOST_POINTS} of them.`,
  scope: 'read',
  notFound: NEVER_SEEN,
  pathParameters: networkPath,
  query: {
    ...networkQuery,
    outcome: oneOf(UNDECIDED).default('failed').describe('Whose causes.'),
    step: oneOf(STEP_NAMES).optional().describe('Length of a step; chosen to suit the window when left out.'),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      step: z.enum(STEP_NAMES),
      asn: count('AS number.'),
      outcome: z.enum(UNDECIDED),
      steps: z.array(time('Start of the step.')),
      items: z.array(item),
    })
    .meta({ id: 'CausesOverTime', description: 'Causes in one network over time, the most frequent first.' }),
  async handle({ path: { asn }, query }, { store, clock }) {
    const { label, site, ip_version, outcome } = query
    const { step, window } = chooseStep(query.step, resolveWindow(query, clock()), clock())
    await seenOrNotFound(store, { asn, label })
    const rows = await readCausePoints(store, {
      window,
      step_seconds: STEPS[step] / 1_000,
      filter: { asns: [asn], label, site, ip_version, outcome },
    })
    const starts = startsOf(window, step)
    return {
      window: windowAnswer(window),
      step,
      asn,
      outcome,
      steps: starts.map(iso),
      items: itemsOf(rows, starts),
    }
  },
})

function itemsOf(rows: readonly CausePointRow[], starts: readonly number[]): z.output<typeof item>[] {
  const byCause = new Map<string, Map<number, number>>()
  for (const { cause, start, handshakes } of rows) {
    const counts = byCause.get(cause) ?? new Map<number, number>()
    byCause.set(cause, counts.set(start * 1_000, handshakes))
  }
  return [...byCause]
    .map(([cause, counts]) => ({
      cause,
      handshakes: [...counts.values()].reduce((sum, handshakes) => sum + handshakes, 0),
      points: starts.map((at) => counts.get(at) ?? 0),
    }))
    .sort((a, b) => b.handshakes - a.handshakes || (a.cause < b.cause ? -1 : 1))
}
