import { z } from 'zod'
import { without } from '../breakdown.ts'
import { windowAnswer } from '../paging.ts'
import { oneOf } from '../parameter-types.ts'
import { badParameters } from '../parameters.ts'
import { type PointRow, readAllPoints, readPoints } from '../queries/timeseries.ts'
import { defineRoute } from '../route.ts'
import { count, countsShape, latencySchema, rate, successRate, time, windowSchema } from '../schemas.ts'
import { type Clock, ceilTo, DAY, floorTo, HOUR, iso, MINUTE, resolveWindow, type Window } from '../window.ts'
import { NEVER_SEEN, networkPath, networkQuery, seenOrNotFound } from './network-parameters.ts'

const STEPS = { minute: MINUTE, '5m': 5 * MINUTE, hour: HOUR, day: DAY } as const
type Step = keyof typeof STEPS
const STEP_NAMES = Object.keys(STEPS) as [Step]
export const MOST_POINTS = 1_500
/** A step chosen for the reader gives about so many points at most. */
const READABLE_POINTS = 300

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
    const points = startsOf(window, STEPS[step]).map((at) => {
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

/** The step, and the window widened to whole steps. Throws a 400 problem when there would be too many points or minutes are gone. */
function chooseStep(asked: Step | undefined, window: Window, clock: Clock): { step: Step; window: Window } {
  const aligned = (step: Step): Window => ({
    from: floorTo(window.from, STEPS[step]),
    to: ceilTo(window.to, STEPS[step]),
    rollup: STEPS[step] < HOUR ? 'minutes' : 'hours',
  })
  const points = (step: Step) => (aligned(step).to - aligned(step).from) / STEPS[step]
  const possible = STEP_NAMES.filter(
    (step) => points(step) <= MOST_POINTS && (STEPS[step] >= HOUR || window.from >= clock.minutesKeptFrom),
  )
  const fitting = possible.find((step) => points(step) <= READABLE_POINTS) ?? possible.at(-1)
  const step = asked ?? fitting
  if (step !== undefined && possible.includes(step)) return { step, window: aligned(step) }
  throw badParameters([
    {
      parameter: step === undefined ? 'from' : 'step',
      message:
        step === undefined || points(step) > MOST_POINTS
          ? `the window has ${points(step ?? 'day')} steps of a ${step ?? 'day'}`
          : `single minutes are no longer stored for ${iso(window.from)}`,
      allowed: possible.length === 0 ? 'a shorter window' : `one of ${possible.join(', ')} for this window`,
    },
  ])
}

function startsOf({ from, to }: Window, step: number): number[] {
  return Array.from({ length: (to - from) / step }, (_, i) => from + i * step)
}
