import { createApiRouter } from '../../api/router.ts'
import { createKafkaBus } from '../../core/bus/kafka/bus.ts'
import { createKafkaConsumer, GROUP_TIMING } from '../../core/bus/kafka/consumer.ts'
import type { RangeHandler } from '../../core/bus/kafka/range-writer.ts'
import type { Config } from '../../core/runtime/config.ts'
import { type Check, createHealthRouter } from '../../core/runtime/health.ts'
import { createHttpServer } from '../../core/runtime/http-server.ts'
import type { Component } from '../../core/runtime/lifecycle.ts'
import type { Logger } from '../../core/runtime/log.ts'
import { createAuthorize } from '../../core/runtime/tokens.ts'
import { createKafkaWorker } from '../../enricher/kafka-worker.ts'
import { createIngestRouter } from '../../ingest/router.ts'
import { createAlerting, createConfiguredRuleBook } from '../alerting.ts'
import { createDetection } from '../detection.ts'
import { createEnrichment } from '../enrichment.ts'
import { backtestSettings, ingestLimits } from '../pipeline.ts'
import { createProcessMetrics } from '../process-metrics.ts'
import { version } from '../version.ts'
import { kafkaConnection, topicSettings } from './kafka.ts'
import { createConfiguredServerStore } from './store.ts'

/** One step of the pipeline as a process of its own. */
export type Step = {
  /** In the order in which they are started. HTTP comes first, so that /readyz says what is waited for. */
  components: readonly Component[]
  /** Where it is served, once started. */
  url(): string
}

export type StepParts = {
  config: Config
  log: Logger
  /** Told when a component dies after its start; the process is to end. */
  onDeath: (component: string, error: unknown) => void
  /** Share of the address database that is built, from 0 to 1. */
  onAsnProgress: (share: number) => void
}

/** Takes batches over HTTP and hands them to Kafka. */
export function createIngestStep({ config, log }: StepParts): Step {
  const registry = createProcessMetrics()
  const bus = createKafkaBus({
    connection: kafkaConnection(config),
    topic: topicSettings(config),
    maxBytes: config.kafka.max_waiting,
    registry,
    log,
  })
  const ingest = createIngestRouter({
    bus,
    authorize: createAuthorize(config.http.tokens),
    limits: ingestLimits(config),
    registry,
    now: Date.now,
    log,
  })
  const http = createHttpServer({
    ...config.http.listen,
    routers: [createHealthRouter({ checks: [bus.check], registry }), ingest],
    log,
  })
  return { components: [http, bus], url: http.url }
}

/** Takes ranges of batches from Kafka, enriches them and stores each once. `wrap` is for tests of what must not be left out. */
export function createEnricherStep(
  { config, log, onDeath, onAsnProgress }: StepParts,
  wrap: (handler: RangeHandler) => RangeHandler = (handler) => handler,
): Step {
  const registry = createProcessMetrics()
  const store = createConfiguredServerStore(config, log)
  const enrichment = createEnrichment({ config, registry, log, onAsnProgress })
  const consumer = createKafkaConsumer({
    connection: kafkaConnection(config),
    topic: topicSettings(config),
    group: config.kafka.group,
    handler: wrap(createKafkaWorker({ enrich: enrichment.enrich, store, registry })),
    timing: {
      ...GROUP_TIMING,
      sessionMs: config.kafka.session_timeout,
      heartbeatMs: config.kafka.session_timeout / 5,
    },
    registry,
    now: Date.now,
    onFailure: (error) => onDeath('enricher', error),
    log,
  })
  const checks = [store.check, enrichment.check, consumer.check]
  const http = createHealth(config, log, registry, checks)
  return { components: [http, store, enrichment, consumer], url: http.url }
}

/** Judges each minute, keeps the incidents and sends alerts. One at a time. */
export function createDetectorStep({ config, log, onDeath }: StepParts): Step {
  const registry = createProcessMetrics()
  const store = createConfiguredServerStore(config, log)
  const detection = createDetection({ config, store, registry, log, onDeath, clock: Date.now })
  const alerting = createAlerting({ config, store, registry, log, clock: Date.now })
  const http = createHealth(config, log, registry, [store.check, detection.check, ...alerting.checks])
  return {
    components: [http, alerting.rules, store, detection, ...alerting.components],
    url: http.url,
  }
}

/** Answers the HTTP API and the pages. */
export function createApiStep({ config, log }: StepParts): Step {
  const registry = createProcessMetrics()
  const store = createConfiguredServerStore(config, log)
  const rules = createConfiguredRuleBook({ config, registry, log })
  const api = createApiRouter({
    store,
    authorize: createAuthorize(config.http.tokens),
    log,
    registry,
    now: Date.now,
    version,
    minutesKeptMs: config.store.retention_minutes,
    rules,
    backtest: backtestSettings(config),
  })
  const http = createHttpServer({
    ...config.http.listen,
    routers: [createHealthRouter({ checks: [store.check, rules.check], registry }), api],
    log,
  })
  return { components: [http, store, api.listeners], url: http.url }
}

function createHealth(
  config: Config,
  log: Logger,
  registry: ReturnType<typeof createProcessMetrics>,
  checks: readonly Check[],
) {
  return createHttpServer({ ...config.http.listen, routers: [createHealthRouter({ checks, registry })], log })
}
