import { z } from 'zod'
import type { AlertChange } from '../../alerts/alert-changes.ts'
import type { Queries } from '../bounded-store.ts'
import type { ChangeSource, NumberedText } from '../change-stream.ts'
import { eventText } from '../event-stream.ts'
import { alertChangesAfter } from '../queries/alert-changes.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'
import { alertItem, alertSchema } from './alert.ts'

export const ALERT_EVENTS_PATH = '/v1/alerts/events'

/** A change of an alert as it is told. */
export const alertChangeSchema = z
  .strictObject({
    sequence: count('One more with each change of any alert; the `id` of the event.'),
    change: z.string().describe('Names the change: who is told of it twice knows it by this.'),
    event: z.enum(['fired', 'changed', 'resolved']),
    at: time('When it fired, changed or was over.'),
    ...alertSchema.shape,
  })
  .meta({ id: 'AlertChange', description: 'What became of an alert, as it was then.' })

/** Changes of alerts as events. */
export function alertChanges(store: Queries): ChangeSource {
  return {
    of: 'alerts',
    after: async (sequence, limit) => byNumber(await alertChangesAfter(store, sequence, limit)),
  }
}

export function alertChangeItem(change: AlertChange): z.output<typeof alertChangeSchema> {
  const { sequence, change: name, event, at, ...alert } = change
  return { sequence, change: name, event, at: iso(at * 1_000), ...alertItem(alert) }
}

/** Where two evaluators took the same number, what both wrote is told under it. */
function byNumber(changes: readonly AlertChange[]): NumberedText[] {
  const texts = new Map<number, string>()
  for (const change of changes) {
    const text = eventText(change, alertChangeItem(change))
    texts.set(change.sequence, (texts.get(change.sequence) ?? '') + text)
  }
  return [...texts].map(([sequence, text]) => ({ sequence, text }))
}
