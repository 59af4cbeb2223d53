import type { Queries } from '../bounded-store.ts'
import type { ChangeSource } from '../change-stream.ts'
import { eventText } from '../event-stream.ts'
import { changesAfter } from '../queries/changes.ts'
import { changeItem } from './change.ts'

export const EVENTS_PATH = '/v1/divergences/events'

/** Changes of incidents as events. */
export function incidentChanges(store: Queries): ChangeSource {
  return {
    of: 'incidents',
    async after(sequence, limit) {
      const changes = await changesAfter(store, sequence, limit)
      return changes.map((change) => ({
        sequence: change.sequence,
        text: eventText(change, changeItem(change)),
      }))
    },
  }
}
