import { z } from 'zod'
import { without } from '../breakdown.ts'
import { BASELINE_MS } from '../comparison.ts'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { type Band, type PointRow, readAllPoints, readBand, readPoints } from '../queries/timeseries.ts'
import { defineRoute } from '../route.ts'
import { count, countsShape, latencySchema, rate, successRate, time, windowSchema } from '../schemas.ts'
import { chooseStep, MOST_POINTS, STEP_NAMES, STEPS, type Step, startsOf } from '../step.ts'
import { type Clock, ceilTo, iso, resolveWindow, type Window } from '../window.ts'
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

/** Fewer steps than this say little of what is usual. */
export const LEAST_BAND_STEPS = 20

const band = z
  .strictObject({
    low: rate('5th percentile of its success rates.'),
    high: rate('95th percentile.'),
    steps: count('Steps with a rate, on which it rests.'),
  })
  .meta({ id: 'Band', description: 'Between which the success rate of a network usually lies.' })

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
      .describe('`none` leaves the rest of the world and the band out, which is quicker.'),
  },
  answer: z
    .strictObject({
      window: windowSchema,
      step: z.enum(STEP_NAMES),
      asn: count('AS number.'),
      label: z.string().nullable(),
      baseline_band: band
        .nullable()
        .describe(
          `Between which its success rate lay in nine of ten steps of the 7 days before the window; null with fewer than ${LEAST_BAND_STEPS} such steps, or not asked.`,
        ),
      points: z.array(point),
    })
    .meta({ id: 'Timeseries', description: 'One network over time.' }),
  async handle({ path: { asn }, query }, { store, clock }) {
    const { label, site, ip_version, compare } = query
    const { step, window } = chooseStep(query.step, resolveWindow(query, clock()), clock())
    const scope = { site, ip_version }
    const asked = { window, step_seconds: STEPS[step] / 1_000 }
    const filter = { ...scope, asns: [asn], label }
    const past = { ...asked, window: pastOf(window, step, clock()), filter }
    await seenOrNotFound(store, { asn, label })
    const [own, all, usual] = await Promise.all([
      readPoints(store, { ...asked, filter }),
      compare === 'world' ? readAllPoints(store, { ...asked, filter: scope }) : [],
      compare === 'world' ? readBand(store, past) : undefined,
    ])
    const ownAt = new Map(own.map((row) => [row.start * 1_000, row]))
    const allAt = new Map(all.map((row) => [row.start * 1_000, row]))
    const points = startsOf(window, step).map((at) => {
      const row = ownAt.get(at) ?? EMPTY
      const world = without(allAt.get(at) ?? row, row)
      return { at: iso(at), ...pointOf(row), world_success_rate: successRate(world) }
    })
    return {
      window: windowAnswer(window),
      step,
      asn,
      label: label ?? null,
      baseline_band: usual === undefined ? null : bandOf(usual),
      points,
    }
  },
})

/** The days before the window in the same steps, as far as they are stored. */
function pastOf({ from, rollup }: Window, step: Step, { minutesKeptFrom }: Clock): Window {
  const since = from - BASELINE_MS
  const kept = rollup === 'minutes' ? Math.max(since, ceilTo(minutesKeptFrom, STEPS[step])) : since
  return { from: Math.min(kept, from), to: from, rollup }
}

function bandOf({ low, high, steps }: Band): z.output<typeof band> | null {
  return low === null || high === null || steps < LEAST_BAND_STEPS ? null : { low, high, steps }
}

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
