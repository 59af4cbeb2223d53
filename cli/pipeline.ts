import { createDirectBus } from '../core/bus/direct.ts'
import type { Config } from '../core/runtime/config.ts'
import { createHealthRouter } from '../core/runtime/health.ts'
import { createHttpServer } from '../core/runtime/http-server.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { createAuthorize } from '../core/runtime/tokens.ts'
import { createEmbeddedStore } from '../core/store/embedded.ts'
import { createApiRouter } from '../api/router.ts'
import { createDetectorLoop } from '../detector/loop.ts'
import { createIngestRouter } from '../ingest/router.ts'
import { createEnrichment } from './enrichment.ts'
import { createProcessMetrics } from './process-metrics.ts'
import { version } from './version.ts'

/**
 * The whole pipeline in one process: the components in the order in which they are started. Nothing is done before
 * they are.
 */
export function createPipeline({
  config,
  log,
  now = Date.now,
  onDeath,
  onAsnProgress = () => undefined,
  beforeDetector,
  readers,
}: {
  config: Config
  log: Logger
  now?: () => number
  /** Told when a component dies after its start; the process is to end. */
  onDeath: (component: string, error: unknown) => void
  /** Share of the address database that is built, from 0 to 1. */
  onAsnProgress?: (share: number) => void
  /** Run when events are taken and nothing is judged yet, with the URL that is served. */
  beforeDetector?: (url: string) => Promise<void>
  /** Connections for reading from the store. */
  readers: number
}): { components: Component[]; url(): string } {
  const { registry } = createProcessMetrics()
  const store = createEmbeddedStore({
    folder: config.data.folder,
    retention: {
      raw: config.store.retention_raw,
      minutes: config.store.retention_minutes,
      hours: config.store.retention_hours,
    },
    fsync: config.store.fsync,
    readers,
    log: log.child({ step: 'store' }),
  })
}
