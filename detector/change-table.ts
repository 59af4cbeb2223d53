import type { Store } from '../core/store/store.ts'
import { type Change, COPIED } from './change.ts'
import type { Incident } from './incident.ts'
import type { Order } from './order.ts'

/** The table `incident_changes`. Only the detector writes it, so that its numbers have no gaps. */
export type ChangeTable = {
  /** Adds what these states change; states that are there already add nothing, so a write can be repeated. */
  add(incidents: readonly Incident[]): Promise<void>
  /** Adds the acknowledgements that are not there yet. */
  acknowledge(orders: readonly Order[]): Promise<void>
}

type Draft = Omit<Change, 'sequence'>
type Last = { version: number; state: Incident['state'] }
type ClosedBy = { incident: string; author: string; reason: string; minute: number }

export function createChangeTable(store: Pick<Store, 'query' | 'insert'>): ChangeTable {
  async function add(incidents: readonly Incident[]): Promise<void> {
    if (incidents.length === 0) return
    const ids = incidents.map(({ id }) => id)
    const [lasts, closers] = await Promise.all([
      store.query<Last & { id: string }>(LAST_CHANGES, { ids }),
      store.query<ClosedBy>(CLOSED_BY, { ids }),
    ])
    const last = new Map(lasts.map((row) => [row.id, row]))
    const closer = new Map(closers.map((row) => [row.incident, row]))
    await write(incidents.flatMap((incident) => draftsOf(incident, last.get(incident.id), closer)))
  }

  async function acknowledge(orders: readonly Order[]): Promise<void> {
    if (orders.length === 0) return
    const ids = orders.map(({ incident }) => incident)
    const incidents = await store.query<Incident>(UNACKNOWLEDGED, { ids })
    const drafts = incidents.flatMap((incident) => {
      const order = orders.find((each) => each.incident === incident.id)
      if (order === undefined) return []
      const { author, reason: note, given_at: at } = order
      return [{ ...copyOf(incident), event: 'acknowledged' as const, at, author, note }]
    })
    await write(drafts)
  }

  async function write(drafts: readonly Draft[]): Promise<void> {
    if (drafts.length === 0) return
    const [row] = await store.query<{ last: number }>('SELECT max(sequence) AS last FROM incident_changes')
    const first = (row?.last ?? 0) + 1
    // One insert is one block: a reader sees all of it or nothing.
    await store.insert(
      'incident_changes',
      drafts.map((draft, i) => ({ ...draft, sequence: first + i, at: dateTime(draft.at) })),
    )
  }

  return { add, acknowledge }
}

/** An incident that was over before anybody could write it down has opened too. */
function draftsOf(
  incident: Incident,
  last: Last | undefined,
  closers: ReadonlyMap<string, ClosedBy>,
): Draft[] {
  if (last !== undefined && last.version >= incident.version) return []
  const opens = last === undefined || (last.state === 'closed' && incident.state === 'open')
  const base = { ...copyOf(incident), author: '', note: '' }
  const openedAt = (last === undefined ? incident.opened_at : incident.updated_at) * 1_000
  const opened: Draft[] = opens ? [{ ...base, state: 'open', event: 'opened', at: openedAt }] : []
  if (incident.state === 'closed') {
    const closer = closers.get(incident.id)
    const byHand = closer !== undefined && closer.minute === incident.closed_at
    const by = byHand ? { author: closer.author, note: closer.reason } : {}
    return [...opened, { ...base, ...by, event: 'closed', at: incident.closed_at * 1_000 }]
  }
  return opens ? opened : [{ ...base, event: 'changed', at: incident.updated_at * 1_000 }]
}

function copyOf(incident: Incident): Pick<Incident, (typeof COPIED)[number]> {
  // The list of names is the type's own, so what is made of it has every field.
  return Object.fromEntries(COPIED.map((name) => [name, incident[name]])) as Pick<
    Incident,
    (typeof COPIED)[number]
  >
}

/** As a DateTime64 column takes it; a Date object would lose its milliseconds. */
function dateTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}

const LAST_CHANGES = `
SELECT
  id,
  max(incident_changes.version) AS version,
  argMax(incident_changes.state, sequence) AS state
FROM incident_changes
WHERE id IN {ids:Array(String)}
GROUP BY id`

const CLOSED_BY = `
SELECT incident, author, reason, toUnixTimestamp(minute) AS minute
FROM incident_orders FINAL
WHERE incident IN {ids:Array(String)} AND action = 'close'`

const UNACKNOWLEDGED = `
SELECT * REPLACE (toUnixTimestamp(onset) AS onset)
FROM incidents FINAL
WHERE id IN {ids:Array(String)}
  AND id NOT IN (SELECT id FROM incident_changes WHERE event = 'acknowledged' AND id IN {ids:Array(String)})
ORDER BY id`
