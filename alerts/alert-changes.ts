import type { Store } from '../core/store/store.ts'
import { type Alert, nameOf, versionOf } from './alert.ts'

export type AlertEvent = 'fired' | 'changed' | 'resolved'

/** A row of `alert_changes`: what became of an alert, as it was then. Times in seconds since 1970. */
export type AlertChange = Omit<Alert, 'minute'> & {
  /** One more with each change of any alert. */
  sequence: number
  /** The same whenever this change is written: it may be told twice. */
  change: string
  event: AlertEvent
  at: number
}

/** The table `alert_changes`, for its writers: one evaluator, or several at once. */
export type AlertChangeTable = {
  /** Adds what these states change; what is there already is not added again, so a write can be repeated. */
  add(alerts: readonly Alert[]): Promise<void>
}

type Draft = Omit<AlertChange, 'sequence'>

/** Each try is a collision with another evaluator, which then has its place. */
const MOST_TRIES = 20

export function createAlertChangeTable(store: Pick<Store, 'query' | 'insert'>): AlertChangeTable {
  /**
   * Of two writers that took the same number, the one that wrote last sees the other's row beside its own and writes its
   * changes again under the next numbers: a reader that has been at that number cannot have missed them. A change counts
   * as written where it stands alone.
   */
  async function settle(drafts: readonly Draft[]): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const missing = await withoutWritten(drafts)
      if (missing.length === 0) return
      const [row] = await store.query<{ last: number }>(LAST_SEQUENCE)
      const first = (row?.last ?? 0) + 1
      // One insert is one block: a reader sees all of it or nothing.
      await store.insert(
        'alert_changes',
        missing.map((draft, i) => ({ ...draft, sequence: first + i })),
      )
    }
    throw new Error(`changes of alerts met those of another evaluator ${MOST_TRIES} times`)
  }

  async function withoutWritten(drafts: readonly Draft[]): Promise<Draft[]> {
    const changes = drafts.map(({ change }) => change)
    const rows = await store.query<{ alone: string }>(ALONE, { changes })
    const written = new Set(rows.map(({ alone }) => alone))
    return drafts.filter(({ change }) => !written.has(change))
  }

  return {
    async add(alerts) {
      if (alerts.length === 0) return
      const ids = [...new Set(alerts.map(({ id }) => id))]
      const known = await store.query<{ id: string; first: string }>(FIRED, { ids })
      const fired = new Map(known.map(({ id, first }) => [id, first]))
      await settle(inOrder(alerts.flatMap((alert) => draftsOf(alert, fired.get(alert.id)))))
    },
  }
}

/** Its beginning comes with each: what was cut off before, or was over before anybody could write it down, has fired too. */
function draftsOf(alert: Alert, fired: string | undefined): Draft[] {
  const begun = { ...alert, state: 'firing', resolved_at: 0, resolution: '' } as const
  const first = draftOf(begun, 'fired', alert.fired_at)
  const beginning = { ...first, change: fired ?? first.change }
  if (alert.state === 'resolved') return [beginning, draftOf(alert, 'resolved', alert.resolved_at)]
  const own = draftOf(alert, 'changed', alert.minute)
  return own.change === beginning.change ? [beginning] : [beginning, own]
}

function draftOf(alert: Alert, event: AlertEvent, at: number): Draft {
  const { minute: _, ...told } = alert
  return { ...told, change: nameOf(alert.id, versionOf(alert)), event, at }
}

/** In the same order by every evaluator that finds the same: then their rows are the same, too. */
function inOrder(drafts: readonly Draft[]): Draft[] {
  return [...drafts].sort(
    (a, b) => a.at - b.at || compare(a.id, b.id) || compare(a.state, b.state) || compare(a.change, b.change),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const LAST_SEQUENCE = 'SELECT max(sequence) AS last FROM alert_changes'

const FIRED = `
SELECT id, min(alert_changes.change) AS first
FROM alert_changes
WHERE id IN {ids:Array(String)} AND event = 'fired'
GROUP BY id`

const ALONE = `
SELECT any(change) AS alone
FROM alert_changes
WHERE sequence IN (SELECT sequence FROM alert_changes WHERE change IN {changes:Array(String)})
GROUP BY sequence
HAVING uniqExact(change) = 1`
