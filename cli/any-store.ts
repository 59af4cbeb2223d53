import type { Config } from '../core/runtime/config.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { createEmbeddedStore } from '../core/store/embedded.ts'
import type { Store } from '../core/store/store.ts'
import { createConfiguredServerStore } from './distributed/store.ts'
import { retentionOf } from './retention.ts'

/** The store that the configuration names, for a command that asks it: the server, else the data folder's own engine. */
export function createAnyStore(config: Config, log: Logger): Store & Component {
  if (config.store.url !== undefined) return createConfiguredServerStore(config, log)
  return createEmbeddedStore({
    folder: config.data.folder,
    retention: retentionOf(config),
    fsync: config.store.fsync,
    readers: 1,
    log,
  })
}

/** Runs `use` with the store open. */
export async function withStore<T>(
  config: Config,
  log: Logger,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = createAnyStore(config, log)
  await store.start()
  try {
    return await use(store)
  } finally {
    await store.stop()
  }
}
