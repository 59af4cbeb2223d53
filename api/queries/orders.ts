import type { Order } from '../../detector/order.ts'
import type { Inserts, Queries } from '../bounded-store.ts'
import { dateTime } from './causes.ts'

const COLUMNS = `
  * EXCEPT (version) REPLACE (
    toUnixTimestamp64Milli(given_at) AS given_at,
    toUnixTimestamp(minute) AS minute
  )`

/** The orders by hand given for an incident: at most one of each action. */
export async function readOrders(
  store: Queries,
  incident: string,
): Promise<{ acknowledge: Order | undefined; close: Order | undefined }> {
  const orders = await store.query<Order>(
    `
SELECT ${COLUMNS}
FROM incident_orders FINAL
WHERE incident = {incident:String}`,
    { incident },
  )
  return {
    acknowledge: orders.find(({ action }) => action === 'acknowledge'),
    close: orders.find(({ action }) => action === 'close'),
  }
}

/** The acknowledgements of these incidents, by incident. */
export async function readAcknowledgements(
  store: Queries,
  incidents: readonly string[],
): Promise<ReadonlyMap<string, Order>> {
  if (incidents.length === 0) return new Map()
  const orders = await store.query<Order>(
    `
SELECT ${COLUMNS}
FROM incident_orders FINAL
WHERE incident IN {incidents:Array(String)} AND action = 'acknowledge'`,
    { incidents },
  )
  return new Map(orders.map((order) => [order.incident, order]))
}

/** Stores an order that the detector has still to take. */
export function writeOrder(store: Inserts, order: Omit<Order, 'minute'>): Promise<void> {
  // The detector stores it as version 2 once it has fixed the minute.
  return store.insert('incident_orders', [
    { ...order, given_at: dateTime(order.given_at), minute: 0, version: 1 },
  ])
}
