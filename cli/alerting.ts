import type { Registry } from 'prom-client'
import { createAlertTable } from '../alerts/alert-table.ts'
import { createDelivery } from '../alerts/delivery.ts'
import { createErrorLog } from '../alerts/error-log.ts'
import { createFactFinder } from '../alerts/facts.ts'
import type { Places } from '../alerts/links.ts'
import { createEvaluator } from '../alerts/loop.ts'
import { createDeliveryMetrics, createEvaluatorMetrics } from '../alerts/metrics.ts'
import { createNotificationTable } from '../alerts/notification-table.ts'
import { createCountReader } from '../alerts/read-counts.ts'
import { createRuleBook, type RuleBook, type RuleBookNeeds } from '../alerts/rule-book.ts'
import { createSilenceTable } from '../alerts/silence-table.ts'
import type { Config } from '../core/runtime/config.ts'
import type { Check } from '../core/runtime/health.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import type { Store } from '../core/store/store.ts'
import { UIDS } from '../dashboards/common/uids.ts'
import { createReceivers } from './receivers.ts'

export type Alerting = {
  /** Comes first of all: bad rules and missing secrets keep the process from starting. */
  rules: Component
  /** Evaluates and delivers; started after the detector, whose incidents it reads. */
  components: readonly Component[]
  checks: readonly Check[]
  book: RuleBook
}

/** Rules, evaluator and delivery as configured, over the store. */
export function createAlerting({
  config,
  store,
  registry,
  log,
  clock,
}: {
  config: Config
  store: Store
  registry: Registry
  log: Logger
  /** ms since 1970. */
  clock: () => number
}): Alerting {
  const receivers = createReceivers(config)
  const errors = createErrorLog({ store, clock: Date.now, log })
  const book = createConfiguredRuleBook({
    config,
    registry,
    log,
    onUnusable: (rule, error) =>
      errors.note({ minute: Math.floor(Date.now() / 60_000) * 60, rule, error: `not in force: ${error}` }),
  })
  const notifications = createNotificationTable(store)
  const delivery = createDelivery({
    receivers,
    table: notifications,
    clock,
    metrics: createDeliveryMetrics(registry),
    log,
  })
  const intervalMs = Math.min(5_000, config.detector.watermark / 2)
  const evaluator = createEvaluator({
    rules: async () => {
      await book.refresh(store)
      return book.rules()
    },
    errors,
    readCounts: createCountReader(store, { rawKeptMs: config.store.retention_raw, clock }),
    alerts: createAlertTable(store),
    notifications,
    silences: createSilenceTable(store),
    facts: createFactFinder(store),
    receivers,
    places: { publicUrl: config.alerts.public_url, dashboards: dashboardsOf(config) },
    onMessages: delivery.nudge,
    clock,
    watermarkMs: config.detector.watermark,
    keptMs: config.store.retention_minutes,
    intervalMs,
    metrics: createEvaluatorMetrics(registry),
    log,
  })
  const rules: Component = {
    name: 'alert rules',
    start: async () => book.load(),
    stop: async () => undefined,
  }
  return { rules, components: [evaluator, delivery], checks: [book.check, evaluator.check], book }
}

export function createConfiguredRuleBook({
  config,
  ...needs
}: Pick<RuleBookNeeds, 'registry' | 'log' | 'onUnusable'> & { config: Config }): RuleBook {
  const { rules: folder, default_rule: defaultRule } = config.alerts
  return createRuleBook({ folder, defaultRule, surroundings: ruleSurroundings(config), ...needs })
}

function dashboardsOf({ alerts: { grafana_url } }: Config): Places['dashboards'] {
  if (grafana_url === undefined) return undefined
  return { overview: `${grafana_url}/d/${UIDS.overview}`, network: `${grafana_url}/d/${UIDS.network}` }
}

/** What rules may refer to, as configured. */
export function ruleSurroundings({ alerts, enricher }: Config) {
  return {
    receivers: alerts.receivers.map(({ name }) => name),
    prefixLengths: { ipv4: enricher.prefix_ipv4, ipv6: enricher.prefix_ipv6 },
  }
}
