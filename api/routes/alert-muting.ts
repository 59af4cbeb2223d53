import { z } from 'zod'
import type { Acknowledgement, Muting } from '../../alerts/muting.ts'
import { createMutingReader } from '../../alerts/read-muting.ts'
import { createSilenceTable } from '../../alerts/silence-table.ts'
import type { AlertRow } from '../queries/alerts.ts'
import type { Context } from '../route.ts'
import { time } from '../schemas.ts'
import { iso } from '../window.ts'
import { alertItem, alertSchema } from './alert.ts'

const acknowledgementSchema = z
  .strictObject({
    author: z.string(),
    note: z.string(),
    at: time('When.'),
    until: time('Until when it was to hold; null for until the alert ends.').nullable(),
    of: z
      .enum(['alert', 'incident'])
      .describe("What was acknowledged: the alert, or the detector's incident that it came of."),
    holds: z.boolean().describe('Whether repeats are held back by it now.'),
  })
  .meta({ id: 'AlertAcknowledgement', description: 'Who has taken notice of an alert.' })

/** An alert, and what people decided about it. */
export const orderedAlertSchema = z
  .strictObject({
    ...alertSchema.shape,
    silenced_by: z.array(z.string()).describe('Ids of the silences that mute it now; empty when it is over.'),
    acknowledgement: acknowledgementSchema.nullable().describe('null when nobody has acknowledged it.'),
  })
  .meta({ id: 'OrderedAlert', description: 'An alert, and what people decided about it.' })

type OrderedAlert = z.output<typeof orderedAlertSchema>

/** Alerts as they are shown, with what people decided about them. */
export async function orderedAlertItems(
  { store, clock }: Pick<Context, 'store' | 'clock'>,
  alerts: readonly AlertRow[],
): Promise<OrderedAlert[]> {
  if (alerts.length === 0) return []
  // Nothing is asked here that depends on when a minute is evaluated.
  const muting = await createMutingReader(createSilenceTable(store), 0)(alerts, clock().now)
  return alerts.map((alert) => ({
    ...alertItem(alert),
    silenced_by: alert.state === 'firing' ? muting.silencedBy(alert) : [],
    acknowledgement: acknowledgementItem(alert, muting),
  }))
}

type Known = Pick<Muting, 'isAcknowledged'> & { acknowledgements: ReadonlyMap<string, Acknowledgement> }

function acknowledgementItem(alert: AlertRow, muting: Known): OrderedAlert['acknowledgement'] {
  const own = muting.acknowledgements.get(alert.id)
  const given = own ?? muting.acknowledgements.get(alert.incident)
  if (given === undefined) return null
  const { author, note, given_at, until } = given
  return {
    author,
    note,
    at: iso(given_at),
    until: until === 0 ? null : iso(until),
    of: own === undefined ? 'incident' : 'alert',
    holds: alert.state === 'firing' && muting.isAcknowledged(alert),
  }
}
