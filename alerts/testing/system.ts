import { Registry } from 'prom-client'
import { createLogger } from '../../core/runtime/log.ts'
import type { Store } from '../../core/store/store.ts'
import { createAlertTable } from '../alert-table.ts'
import { createDelivery } from '../delivery.ts'
import { createErrorLog, type ErrorLog } from '../error-log.ts'
import { createFactFinder } from '../facts.ts'
import { createEvaluator } from '../loop.ts'
import { createDeliveryMetrics, createEvaluatorMetrics } from '../metrics.ts'
import { createNotificationTable, type NotificationTable } from '../notification-table.ts'
import { createCountReader } from '../read-counts.ts'
import type { Receiver } from '../receivers/receiver.ts'
import type { Rule } from '../rule.ts'
import { createSilenceTable } from '../silence-table.ts'

/** Evaluator and delivery over a store, as the program wires them, at a time that the test sets. */
export function createSystem({
  store,
  rules,
  receivers,
  clock,
  wrap = (table) => table,
  onMessages = () => undefined,
  errors,
}: {
  store: Store
  rules: readonly Rule[] | (() => Promise<readonly Rule[]>)
  receivers: readonly Receiver[]
  /** ms since 1970. */
  clock: () => number
  /** Puts something between the queue and those who use it. */
  wrap?: (table: NotificationTable) => NotificationTable
  onMessages?: () => void
  errors?: ErrorLog
}) {
  const registry = new Registry()
  // What fails is tried again: a test must see it all the same.
  const log = createLogger({ level: 'error' })
  const notifications = wrap(createNotificationTable(store))
  const delivery = createDelivery({
    receivers,
    table: notifications,
    clock,
    metrics: createDeliveryMetrics(registry),
    log,
  })
  const evaluator = createEvaluator({
    rules: typeof rules === 'function' ? rules : async () => rules,
    errors: errors ?? createErrorLog({ store, clock, log }),
    readCounts: createCountReader(store, { rawKeptMs: 14 * 86_400_000, clock }),
    alerts: createAlertTable(store),
    notifications,
    silences: createSilenceTable(store),
    facts: createFactFinder(store),
    receivers,
    places: {
      publicUrl: 'https://halfshake.example.com',
      dashboards: {
        overview: 'https://grafana.example.com/d/overview',
        network: 'https://grafana.example.com/d/network',
      },
    },
    onMessages,
    clock,
    watermarkMs: 60_000,
    keptMs: 30 * 86_400_000,
    intervalMs: 1_000,
    metrics: createEvaluatorMetrics(registry),
    log,
  })
  return {
    registry,
    evaluator,
    delivery,
    /** Evaluates what is due and sends what is to be sent. */
    async round(): Promise<void> {
      await evaluator.evaluateDue()
      for (const receiver of receivers) await delivery.deliverDue(receiver)
    },
  }
}

/** The time at which a minute can be evaluated, ms. */
export function whenDue(minute: number): number {
  return (minute + 60) * 1_000 + 70_000
}
