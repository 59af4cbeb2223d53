import { z } from 'zod'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { type AllPointRow, readAllPoints } from '../queries/timeseries.ts'
import { defineRoute } from '../route.ts'
import { countsShape, scopeQuery, successRate, time, windowQuery, windowSchema } from '../schemas.ts'
import { chooseStep, MOST_POINTS, STEP_NAMES, STEPS, startsOf } from '../step.ts'
import { iso, resolveWindow } from '../window.ts'

const point = z
  .strictObject({ at: time('Start of the step.'), ...countsShape })
  .meta({ id: 'WorldPoint', description: 'All networks in one step; zeros where nothing happened.' })

export const worldRoute = defineRoute({
  path: '/v1/world',
  tag: 'Networks',
  summary: 'All networks together',
  description: `Counts and rate of all networks, in all and step by step. The window is widened to whole steps; at most ${MOST_POINTS} points.`,
  scope: 'read',
  pathParameters: {},
  query: {
    ...windowQuery,
    ...scopeQuery,
    step: oneOf(STEP_NAMES).optional().describe('Length of a step; chosen to suit the window when left out.'),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      step: z.enum(STEP_NAMES),
      ...countsShape,
      points: z.array(point),
    })
    .meta({ id: 'World', description: 'All networks together.' }),
  async handle({ query }, { store, clock }) {
    const { site, ip_version } = query
    const { step, window } = chooseStep(query.step, resolveWindow(query, clock()), clock())
    const rows = await readAllPoints(store, {
      window,
      step_seconds: STEPS[step] / 1_000,
      filter: { site, ip_version },
    })
    const rowAt = new Map(rows.map((row) => [row.start * 1_000, row]))
    return {
      window: windowAnswer(window),
      step,
      ...countsOf(rows),
      points: startsOf(window, step).map((at) => {
        const row = rowAt.get(at)
        return { at: iso(at), ...countsOf(row === undefined ? [] : [row]) }
      }),
    }
  },
})

function countsOf(rows: readonly AllPointRow[]) {
  const total = (outcome: 'completed' | 'failed' | 'noise' | 'unknown') =>
    rows.reduce((sum, row) => sum + row[outcome], 0)
  const sums = {
    completed: total('completed'),
    failed: total('failed'),
    noise: total('noise'),
    unknown: total('unknown'),
  }
  const handshakes = sums.completed + sums.failed + sums.noise + sums.unknown
  return { handshakes, ...sums, success_rate: successRate(sums) }
}
