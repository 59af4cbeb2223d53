import type { z } from 'zod'
import { Problem } from '../../core/runtime/problem.ts'
import type { Incident } from '../../detector/incident.ts'
import type { Order } from '../../detector/order.ts'
import { text, words } from '../parameter-types.ts'
import { readOrders, writeOrder } from '../queries/orders.ts'
import { type Context, defineAction } from '../route.ts'
import { iso } from '../window.ts'
import { incidentOrNotFound, incidentPath, UNKNOWN_INCIDENT } from './divergence.ts'
import { incidentItem } from './incident.ts'
import { type Orders, orderedSchema, ordersItem } from './order.ts'

const author = words({ max: 128 }).describe('Who decides it: a name others know.')
const ONE_TAKES_NOTICE = 'It is closed, or somebody else has acknowledged it; `detail` says who and when.'
const ONE_CLOSES = 'It is closed already, or somebody else has ordered it; `detail` says who and when.'

export const acknowledgeRoute = defineAction({
  path: '/v1/divergences/:id/acknowledge',
  tag: 'Divergences',
  summary: 'Acknowledge an incident',
  description:
    'Records who has taken notice of it, and a note. Alerts that came of it are not repeated. It changes nothing else. To repeat the very same is allowed and does nothing more.',
  scope: 'admin',
  notFound: UNKNOWN_INCIDENT,
  conflict: ONE_TAKES_NOTICE,
  pathParameters: incidentPath,
  body: {
    author,
    note: text({ max: 2_000 }).default('').describe('What others should know; may be left out.'),
  },
  answer: orderedSchema,
  handle: ({ path: { id }, body }, context) =>
    give(context, id, { action: 'acknowledge', author: body.author, reason: body.note }),
})

export const closeRoute = defineAction({
  path: '/v1/divergences/:id/close',
  tag: 'Divergences',
  summary: 'Close an incident by hand',
  description:
    'Orders the detector to end it and to have its stream start anew: evidence is forgotten, and only new evidence opens another incident. The detector takes the order within seconds: until then `closing.holds_from` is null and `state` still open. To repeat the very same is allowed and does nothing more.',
  scope: 'admin',
  notFound: UNKNOWN_INCIDENT,
  conflict: ONE_CLOSES,
  pathParameters: incidentPath,
  body: { author, reason: words({ max: 2_000 }).describe('Why it is over, for those who look at it later.') },
  answer: orderedSchema,
  handle: ({ path: { id }, body }, context) => give(context, id, { action: 'close', ...body }),
})

type Given = Pick<Order, 'action' | 'author' | 'reason'>

/** Stores the order unless it is there already; throws a 409 problem when it cannot hold any more. */
function give({ store, clock, inTurn }: Context, id: string, given: Given) {
  return inTurn(async (): Promise<z.output<typeof orderedSchema>> => {
    const incident = await incidentOrNotFound(store, id)
    const orders = await readOrders(store, id)
    const before = orders[given.action]
    if (before === undefined) {
      if (incident.state === 'closed') throw closedAlready(incident, orders)
      const { scope, asn, label, prefix, site } = incident
      const stream = { scope, asn, label, prefix, site }
      await writeOrder(store, { incident: id, ...stream, ...given, given_at: clock().now })
    } else if (before.author !== given.author || before.reason !== given.reason) {
      throw incident.state === 'closed' ? closedAlready(incident, orders) : givenAlready(before)
    }
    return { ...incidentItem(incident), ...ordersItem(await readOrders(store, id)) }
  })
}

function closedAlready({ id, closed_at }: Incident, { close }: Orders): Problem {
  const byHand = close !== undefined && close.minute === closed_at
  const how = byHand ? `, by hand by ${close.author}: ${close.reason}` : ', by itself'
  return new Problem({
    status: 409,
    type: 'incident-closed',
    title: 'Incident is closed',
    detail: `${id} was closed at ${iso(closed_at * 1_000)}${how}; only open incidents are acknowledged or closed`,
  })
}

function givenAlready({ incident, action, author, reason, given_at }: Order): Problem {
  const done = action === 'close' ? 'ordered to be closed' : 'acknowledged'
  const why = reason === '' ? '' : `: ${reason}`
  return new Problem({
    status: 409,
    type: action === 'close' ? 'closing-ordered' : 'acknowledged-already',
    title: action === 'close' ? 'Closing is ordered already' : 'Acknowledged already',
    detail: `${incident} was ${done} at ${iso(given_at)} by ${author}${why}; that stands`,
  })
}
