import type { Registry } from 'prom-client'
import type { Config } from '../core/runtime/config.ts'
import type { Logger } from '../core/runtime/log.ts'
import type { EmbeddedStore } from '../core/store/embedded.ts'
import { createClickHouseHttpServer } from '../core/store/http-interface/server.ts'

/** The ClickHouse HTTP interface over the embedded engine, as configured. */
export function createStoreInterface({
  config,
  store,
  registry,
  log,
  concurrent,
}: {
  config: Config
  store: EmbeddedStore
  registry: Registry
  log: Logger
  /** Queries at the same time. */
  concurrent: number
}) {
  return createClickHouseHttpServer({
    engine: () => store.engine(),
    users: config.store.users,
    ...config.store.listen,
    log,
    registry,
    limits: { concurrent },
  })
}
