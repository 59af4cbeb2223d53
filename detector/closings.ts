import type { Closing } from './order.ts'
import type { OrderTable } from './order-table.ts'

/** Orders to close by hand on their way to the detector, each given out before its minute is judged. */
export type Closings = {
  /** Reads those that hold from `next`, the next minute to judge, or later. Nothing may be judged before it has succeeded. */
  load(next: number): Promise<void>
  /** Takes new orders; they hold from `next`. */
  take(next: number): Promise<void>
  /** Those that hold from this minute; each is given once. */
  due(minute: number): Closing[]
}

export function createClosings(
  orders: OrderTable | undefined,
  log: { error(facts: object, message: string): void },
): Closings {
  let waiting: Closing[] = []
  let loaded = orders === undefined

  return {
    async load(next) {
      if (loaded || orders === undefined) return
      waiting = await orders.closings(next)
      loaded = true
    },
    async take(next) {
      if (!loaded || orders === undefined) return
      try {
        waiting.push(...(await orders.take(next)))
      } catch (error) {
        // They may be stored as taken although the answer was lost: what is stored is read again before the next minute.
        loaded = false
        log.error({ error: String(error) }, 'orders by hand could not be taken; trying again')
      }
    },
    due(minute) {
      const due = waiting.filter((closing) => closing.minute <= minute)
      waiting = waiting.filter((closing) => closing.minute > minute)
      return due
    },
  }
}
