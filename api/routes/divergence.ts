import { z } from 'zod'
import { Problem } from '../../core/runtime/problem.ts'
import type { Incident } from '../../detector/incident.ts'
import type { Queries } from '../bounded-store.ts'
import { text } from '../parameter-types.ts'
import { changesOf } from '../queries/changes.ts'
import { readSeries, type SeriesRow } from '../queries/incident-series.ts'
import { findIncidents } from '../queries/incidents.ts'
import { readOrders } from '../queries/orders.ts'
import { defineRoute } from '../route.ts'
import { count, rate, time } from '../schemas.ts'
import { type Clock, ceilTo, DAY, floorTo, HOUR, iso, MINUTE } from '../window.ts'
import { changeItem, changeSchema } from './change.ts'
import { incidentItem, incidentSchema } from './incident.ts'
import { ordersItem, ordersShape } from './order.ts'

/** So much of what was before the onset is shown with it. */
const BEFORE = 2 * HOUR
const STEPS = { minute: MINUTE, '5m': 5 * MINUTE, '15m': 15 * MINUTE, hour: HOUR, day: DAY } as const
type Step = keyof typeof STEPS
const STEP_NAMES = Object.keys(STEPS) as [Step]
export const MOST_SERIES_POINTS = 500
/** Of each event so many are shown, the latest: figures change every five minutes, for as long as it takes. */
const MOST_CHANGES = 200

export const UNKNOWN_INCIDENT = 'No incident has this id.'
export const incidentPath = {
  id: text({ min: 1, max: 1_024 }).describe('`id` of the incident, as /v1/divergences lists it.'),
}

const point = z
  .strictObject({
    at: time('Start of the step.'),
    completed: count('Handshakes completed.'),
    failed: count('Handshakes failed.'),
    clients: count(
      'Clients with a completed or failed handshake, one per client and minute, as the detector counts them; null with scope `site` and `world`, where they are not counted.',
    ).nullable(),
    failed_clients: count('Of these, clients with a failed one.').nullable(),
    failure_rate: rate(
      'failed_clients / clients; with scope `site` and `world` of handshakes. null when there are none.',
    ).nullable(),
    expected_rate: z.number().describe("The incident's, to draw beside it."),
  })
  .meta({ id: 'IncidentPoint', description: 'One step of an incident; one without handshakes has zeros.' })

export const divergenceRoute = defineRoute({
  path: '/v1/divergences/:id',
  tag: 'Divergences',
  summary: 'One incident',
  description: `An incident with what people decided of it, what its stream did from two hours before the onset until it closed or until now (at most ${MOST_SERIES_POINTS} steps, as short as that allows), and what became of it so far.`,
  scope: 'read',
  notFound: UNKNOWN_INCIDENT,
  pathParameters: incidentPath,
  query: {},
  answer: z
    .strictObject({
      ...incidentSchema.shape,
      ...ordersShape,
      series: z
        .strictObject({
          from: time(
            'Start, included; later than two hours before the onset where minutes are no longer stored.',
          ),
          to: time('End, excluded.'),
          step: z.enum(STEP_NAMES),
          points: z.array(point).describe('Every step; empty when no minute of it is stored any more.'),
        })
        .describe('What the stream did, step by step.'),
      history: z
        .array(changeSchema)
        .describe(`What became of it, in order; of each event at most the latest ${MOST_CHANGES}.`),
      history_left_out: count('Earlier changes of its figures that are not shown.'),
    })
    .meta({ id: 'Divergence', description: 'One incident, with its minutes and its history.' }),
  async handle({ path: { id } }, { store, clock }) {
    const incident = await incidentOrNotFound(store, id)
    const span = spanOf(incident, clock())
    const [orders, { changes, count: all }, rows] = await Promise.all([
      readOrders(store, id),
      changesOf(store, id, MOST_CHANGES),
      span.from < span.to
        ? readSeries(store, incident, {
            from: span.from / 1_000,
            to: span.to / 1_000,
            step: STEPS[span.step] / 1_000,
          })
        : [],
    ])
    return {
      ...incidentItem(incident),
      ...ordersItem(orders),
      series: {
        from: iso(span.from),
        to: iso(span.to),
        step: span.step,
        points: pointsOf(rows, span, incident.expected_rate),
      },
      history: changes.map(changeItem),
      history_left_out: all - changes.length,
    }
  },
})

/** The incident as it is now; throws a 404 problem when there is none of this id. */
export async function incidentOrNotFound(store: Queries, id: string): Promise<Incident> {
  const [incident] = await findIncidents(store, { filter: { id }, limit: 1 })
  if (incident !== undefined) return incident
  throw new Problem({
    status: 404,
    type: 'incident-unknown',
    title: 'No such incident',
    detail: `no incident has the id ${JSON.stringify(id)}; /v1/divergences?state=all lists those that there are`,
  })
}

type Span = { from: number; to: number; step: Step }

/** From two hours before the onset to the closing or now, as far as minutes are stored, in the shortest steps that fit. */
function spanOf({ onset, closed_at }: Incident, { now, minutesKeptFrom }: Clock): Span {
  const end = closed_at === 0 ? now : closed_at * 1_000
  const start = Math.min(Math.max(onset * 1_000 - BEFORE, ceilTo(minutesKeptFrom, MINUTE)), end)
  const fits = (step: Step) =>
    (ceilTo(end, STEPS[step]) - floorTo(start, STEPS[step])) / STEPS[step] <= MOST_SERIES_POINTS
  const step = STEP_NAMES.find(fits) ?? 'day'
  if (start >= end) return { from: end, to: end, step }
  return { from: floorTo(start, STEPS[step]), to: ceilTo(end, STEPS[step]), step }
}

function pointsOf(rows: readonly SeriesRow[], { from, to, step }: Span, expected_rate: number) {
  const rowAt = new Map(rows.map((row) => [row.start * 1_000, row]))
  const counted = rows[0]?.clients === null ? null : 0
  const empty = { completed: 0, failed: 0, clients: counted, failed_clients: counted }
  return Array.from({ length: (to - from) / STEPS[step] }, (_, i) => {
    const at = from + i * STEPS[step]
    const { completed, failed, clients, failed_clients } = rowAt.get(at) ?? empty
    const [part, whole] = clients === null ? [failed, completed + failed] : [failed_clients ?? 0, clients]
    const failure_rate = whole === 0 ? null : Math.min(1, part / whole)
    return { at: iso(at), completed, failed, clients, failed_clients, failure_rate, expected_rate }
  })
}
