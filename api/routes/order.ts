import { z } from 'zod'
import type { Order } from '../../detector/order.ts'
import { time } from '../schemas.ts'
import { iso } from '../window.ts'
import { incidentSchema } from './incident.ts'

export const acknowledgementSchema = z
  .strictObject({ author: z.string(), note: z.string(), at: time('When.') })
  .meta({ id: 'Acknowledgement', description: 'Who has taken notice of an incident.' })

export const closingSchema = z
  .strictObject({
    author: z.string(),
    reason: z.string(),
    at: time('When it was ordered.'),
    holds_from: time(
      'The minute from which its stream starts anew; null until the detector has taken the order, some seconds.',
    ).nullable(),
  })
  .meta({ id: 'Closing', description: 'Who closed an incident by hand, and why.' })

/** What people decided of an incident. */
export const ordersShape = {
  acknowledgement: acknowledgementSchema.nullable().describe('null when nobody has acknowledged it.'),
  closing: closingSchema.nullable().describe('null when nobody has closed it by hand.'),
}

export const orderedSchema = z.strictObject({ ...incidentSchema.shape, ...ordersShape }).meta({
  id: 'OrderedIncident',
  description: 'An incident, and what people decided of it.',
})

export function ordersItem({ acknowledge, close }: Orders): z.output<z.ZodObject<typeof ordersShape>> {
  return {
    acknowledgement: acknowledge === undefined ? null : acknowledgementItem(acknowledge),
    closing: close === undefined ? null : closingItem(close),
  }
}

export type Orders = { acknowledge: Order | undefined; close: Order | undefined }

function acknowledgementItem({ author, reason, given_at }: Order) {
  return { author, note: reason, at: iso(given_at) }
}

function closingItem({ author, reason, given_at, minute }: Order) {
  return { author, reason, at: iso(given_at), holds_from: minute === 0 ? null : iso(minute * 1_000) }
}
