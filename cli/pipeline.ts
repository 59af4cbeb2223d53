import { createApiRouter } from '../api/router.ts'
import { createDirectBus } from '../core/bus/direct.ts'
import type { Config } from '../core/runtime/config.ts'
import { type Check, createHealthRouter } from '../core/runtime/health.ts'
import { createHttpServer } from '../core/runtime/http-server.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { createAuthorize } from '../core/runtime/tokens.ts'
import { createEmbeddedStore } from '../core/store/embedded.ts'
import { createIngestRouter } from '../ingest/router.ts'
import { createAlerting } from './alerting.ts'
import { createDetection } from './detection.ts'
import { createEnrichment, createStoring } from './enrichment.ts'
import { createProcessMetrics } from './process-metrics.ts'
import { retentionOf } from './retention.ts'
import { createStoreInterface } from './store-interface.ts'
import { version } from './version.ts'

/** The whole pipeline in one process. */
export type Pipeline = {
  /** In the order in which they are started; nothing is done before. */
  components: readonly Component[]
  /** Where it is served, once started. */
  url(): string
}

export function createPipeline({
  config,
  log,
  readers,
  onDeath,
  onAsnProgress = () => undefined,
  beforeDetector = async () => undefined,
  clock = Date.now,
}: {
  config: Config
  log: Logger
  /** Connections for reading from the store. */
  readers: number
  /** Told when a component dies after its start; the process is to end. */
  onDeath: (component: string, error: unknown) => void
  /** Share of the address database that is built, from 0 to 1. */
  onAsnProgress?: (share: number) => void
  /** Run when events are taken and nothing is judged yet, with the URL that is served. */
  beforeDetector?: (url: string) => Promise<void>
  /** The time by which minutes are judged and alerts are told, ms since 1970. */
  clock?: () => number
}): Pipeline {
  const registry = createProcessMetrics()
  const authorize = createAuthorize(config.http.tokens)
  const store = createEmbeddedStore({
    folder: config.data.folder,
    retention: retentionOf(config),
    fsync: config.store.fsync,
    readers,
    log,
  })
  const enrichment = createEnrichment({ config, registry, log, onAsnProgress })
  const storing = createStoring({ config, enrich: enrichment.enrich, store, registry })
  const bus = createDirectBus({
    consume: storing.consume,
    maxLines: config.ingest.max_queue,
    onFailure: (error) => onDeath('store', error),
  })
  const detection = createDetection({ config, store, registry, log, onDeath, clock })
  const alerting = createAlerting({ config, store, registry, log, clock })
  const served = config.store.serve
    ? [createStoreInterface({ config, store, registry, log, concurrent: readers })]
    : []
  const checks: Check[] = [
    enrichment.check,
    detection.check,
    ...alerting.checks,
    ...served.map(({ check }) => check),
  ]
  const ingest = createIngestRouter({
    bus,
    authorize,
    limits: ingestLimits(config),
    registry,
    now: Date.now,
    log,
  })
  const api = createApiRouter({
    store,
    authorize,
    log,
    registry,
    now: Date.now,
    version,
    minutesKeptMs: config.store.retention_minutes,
    rules: alerting.book,
    backtest: backtestSettings(config),
  })
  const http = createHttpServer({
    ...config.http.listen,
    routers: [createHealthRouter({ checks, registry }), ingest, api],
    log,
  })
  const prelude: Component = {
    name: 'prelude',
    start: () => beforeDetector(http.url()),
    stop: async () => undefined,
  }
  return {
    components: [
      alerting.rules,
      store,
      ...served,
      enrichment,
      storing,
      bus,
      http,
      api.listeners,
      prelude,
      detection,
      ...alerting.components,
    ],
    url: http.url,
  }
}

/** What a backtest over HTTP goes by: what the detector does. */
export function backtestSettings({ detector, store }: Config) {
  return {
    historyMs: detector.history,
    watermarkMs: detector.watermark,
    rawKeptMs: store.retention_raw,
  }
}

/** What ingest takes of a batch. */
export function ingestLimits({ ingest, store }: Config) {
  return {
    maxBodyBytes: ingest.max_body,
    maxLineBytes: ingest.max_line,
    retentionMs: store.retention_raw,
  }
}
