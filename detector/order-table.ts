import type { Store } from '../core/store/store.ts'
import type { ChangeTable } from './change-table.ts'
import type { Closing, Order } from './order.ts'

/** The table `incident_orders`, as the detector reads it. */
export type OrderTable = {
  /** Orders to close that hold from a minute not before `since` (seconds since 1970), by minute. */
  closings(since: number): Promise<Closing[]>
  /**
   * Takes the orders nobody has taken yet: they hold from `minute`, the next to judge. Resolves with those to close once
   * that is stored, so that a replay applies them before the same minute.
   */
  take(minute: number): Promise<Closing[]>
}

export function createOrderTable(
  store: Pick<Store, 'query' | 'insert'>,
  changes: Pick<ChangeTable, 'acknowledge'>,
): OrderTable {
  return {
    closings: (since) => store.query<Closing>(CLOSINGS, { since }),
    async take(minute) {
      const pending = await store.query<Order & { given_at_text: string }>(PENDING)
      if (pending.length === 0) return []
      // Told before it counts as taken: cut off between the two, it is found again and not told twice.
      await changes.acknowledge(pending.filter(({ action }) => action === 'acknowledge'))
      await store.insert(
        'incident_orders',
        pending.map(({ given_at_text, ...order }) => ({
          ...order,
          given_at: given_at_text,
          minute,
          version: 2,
        })),
      )
      return pending.filter(({ action }) => action === 'close').map((order) => ({ ...order, minute }))
    },
  }
}

const CLOSINGS = `
SELECT incident, scope, asn, label, prefix, site, toUnixTimestamp(incident_orders.minute) AS minute
FROM incident_orders FINAL
WHERE action = 'close' AND version = 2 AND incident_orders.minute >= toDateTime({since:UInt32}, 'UTC')
ORDER BY incident_orders.minute, given_at, incident`

const PENDING = `
SELECT
  incident, action, scope, asn, label, prefix, site, author, reason,
  toUnixTimestamp64Milli(incident_orders.given_at) AS given_at,
  toString(incident_orders.given_at) AS given_at_text
FROM incident_orders FINAL
WHERE version = 1
ORDER BY incident_orders.given_at, incident, action`
