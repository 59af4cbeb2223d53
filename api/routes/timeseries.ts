import { z } from 'zod'
import { without } from '../breakdown.ts'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { type PointRow, readAllPoints, readPoints } from '../queries/timeseries.ts'
import { defineRoute } from '../route.ts'
import { count, countsShape, latencySchema, rate, successRate, time, windowSchema } from '../schemas.ts'
import { chooseStep, MOST_POINTS, STEP_NAMES, STEPS, startsOf } from '../step.ts'
import { iso, resolveWindow } from '../window.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'

const point = z
  .strictObject({
    at: time('Start of the step.'),
    ...countsShape,
    world_success_rate: rate(
      'Rate of all other networks in the step; null when there are none, or not asked.',
    ).nullable(),
    clients: count('Distinct clients with a completed or failed handshake (estimated).'),
    failed_clients: count('Distinct clients with a failed handshake (estimated).'),
    handshake_ms: latencySchema,
  })
  .meta({
    id: 'Point',
    description: 'One step of a time series; a step without handshakes is there, with zeros.',
  })

export const timeseriesRoute = defineRoute({
  path: '/v1/networks/:asn/timeseries',
  tag: 'Networks',
  summary: 'One network over time',
  description: `Counts, rate, clients and handshake times step by step. Every step of the window is there: one without handshakes has zeros. The window is widened to whole steps; at most ${MOST_POINTS} points.`,
  scope: 'read',
  notFound: NEVER_SEEN,
  pathParameters: networkPath,
  query: {
    ...networkQuery,
    step: oneOf(STEP_NAMES).optional().describe('Length of a step; chosen to suit the window when left out.'),
    compare: oneOf(['world', 'none'])
      .default('world')
      .describe('`none` leaves the rest of the world out, which is quicker.'),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      step: z.enum(STEP_NAMES),
      asn: count('AS number.'),
      label: z.string().nullable(),
      points: z.array(point),
    })
    .meta({ id: 'Timeseries', description: 'One network over time.' }),
  async handle({ path: { asn }, query }, { store, clock }) {
    const { label, site, ip_version, compare } = query
    const { step, window } = chooseStep(query.step, resolveWindow(query, clock()), clock())
    const scope = { site, ip_version }
    const asked = { window, step_seconds: STEPS[step] / 1_000 }
    await seenOrNotFound(store, { asn, label })
    const [own, all] = await Promise.all([
      readPoints(store, { ...asked, filter: { ...scope, asns: [asn], label } }),
      compare === 'world' ? readAllPoints(store, { ...asked, filter: scope }) : [],
    ])
    const ownAt = new Map(own.map((row) => [row.start * 1_000, row]))
    const allAt = new Map(all.map((row) => [row.start * 1_000, row]))
    const points = startsOf(window, step).map((at) => {
      const row = ownAt.get(at) ?? EMPTY
      const world = without(allAt.get(at) ?? row, row)
      return { at: iso(at), ...pointOf(row), world_success_rate: successRate(world) }
    })
    return { window: windowAnswer(window), step, asn, label: label ?? null, points }
  },
})

const EMPTY: PointRow = {
  start: 0,
  completed: 0,
  failed: 0,
  noise: 0,
  unknown: 0,
  clients: 0,
  failed_clients: 0,
  quantiles: [],
}

function pointOf({ completed, failed, noise, unknown, clients, failed_clients, quantiles }: PointRow) {
  const [p50 = null, p95 = null] = quantiles
  return {
    handshakes: completed + failed + noise + unknown,
    completed,
    failed,
    noise,
    unknown,
    success_rate: successRate({ completed, failed }),
    clients,
    failed_clients,
    handshake_ms: { p50, p95 },
  }
}
