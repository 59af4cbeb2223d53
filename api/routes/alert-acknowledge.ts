import type { Acknowledgement } from '../../alerts/muting.ts'
import { createSilenceTable } from '../../alerts/silence-table.ts'
import { Problem } from '../../core/runtime/problem.ts'
import { text, words } from '../parameter-types.ts'
import { badBody } from '../parameters.ts'
import { type AlertRow, findAlerts } from '../queries/alerts.ts'
import { defineAction } from '../route.ts'
import { iso } from '../window.ts'
import { orderedAlertItems, orderedAlertSchema } from './alert-muting.ts'
import { ending, LONGEST } from './silence-body.ts'

export const acknowledgeAlertRoute = defineAction({
  path: '/v1/alerts/:id/acknowledge',
  tag: 'Alerts',
  summary: 'Acknowledge an alert',
  description:
    'Records who has taken notice of it, and a note. It is not told again while it lasts; its end is, and so are new alerts of its network. The same author may give it anew, with another note or end.',
  scope: 'admin',
  notFound: 'No alert has this id.',
  conflict: 'It is over, or somebody else has acknowledged it; `detail` says who and when.',
  pathParameters: { id: text({ min: 1, max: 64 }).describe('`id` of the alert, as /v1/alerts lists it.') },
  body: {
    author: words({ max: 128 }).describe('Who takes notice: a name others know.'),
    note: text({ max: 2_000 }).default('').describe('What others should know; may be left out.'),
    until: ending()
      .optional()
      .describe('Until when: a time, or a span from now, as +2h; until the alert ends when left out.'),
  },
  answer: orderedAlertSchema,
  handle({ path: { id }, body: { author, note, until } }, { store, clock, inTurn }) {
    return inTurn(async () => {
      const { now } = clock()
      const table = createSilenceTable(store)
      const [alert] = await findAlerts(store, { filter: { id }, limit: 1 })
      if (alert === undefined) throw unknownAlert(id)
      if (alert.state === 'resolved') throw over(alert)
      const before = (await table.acknowledgements(alert.started_at * 1_000)).get(id)
      const holds = before !== undefined && (before.until === 0 || before.until > now)
      if (holds && before.author !== author) throw takenAlready(id, before)
      await table.acknowledge(id, { author, note, given_at: now, until: endOf(until?.(now), now) })
      const [item] = await orderedAlertItems({ store, clock }, [alert])
      if (item === undefined) throw unknownAlert(id)
      return item
    })
  },
})

/** 0 for until the alert ends. */
function endOf(until: number | undefined, now: number): number {
  if (until === undefined) return 0
  if (until > now && until <= now + LONGEST) return until
  const message = until > now ? 'until is more than a year from now' : 'until has passed'
  throw badBody([{ parameter: 'until', message, allowed: 'a time within the next 366 days, or none' }])
}

function unknownAlert(id: string): Problem {
  return new Problem({
    status: 404,
    type: 'alert-not-found',
    title: 'Alert not found',
    detail: `no alert has the id ${JSON.stringify(id)}; /v1/alerts lists those that fire`,
  })
}

function over({ id, resolved_at }: AlertRow): Problem {
  return new Problem({
    status: 409,
    type: 'alert-resolved',
    title: 'Alert is over',
    detail: `${id} ended at ${iso(resolved_at * 1_000)}; only alerts that fire are acknowledged`,
  })
}

function takenAlready(id: string, { author, note, given_at, until }: Acknowledgement): Problem {
  const end = until === 0 ? 'until it ends' : `until ${iso(until)}`
  return new Problem({
    status: 409,
    type: 'acknowledged-already',
    title: 'Acknowledged already',
    detail: `${id} was acknowledged at ${iso(given_at)} by ${author}, ${end}${note === '' ? '' : `: ${note}`}; that stands`,
  })
}
