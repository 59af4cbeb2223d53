import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Batch, Receipt } from '../core/bus/bus.ts'
import type { Consume } from '../core/bus/direct.ts'
import type { Config } from '../core/runtime/config.ts'
import type { Check } from '../core/runtime/health.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { loadSequences } from '../core/store/sequences.ts'
import type { Store } from '../core/store/store.ts'
import { ensureAsnDatabase } from '../enricher/asn-database.ts'
import { createEnricher } from '../enricher/enrich.ts'
import { createNetworkLookup, type NetworkLookup } from '../enricher/lookup.ts'
import { createWorker } from '../enricher/worker.ts'

/** The enricher as a component: opens its database (or builds one), then takes batches and stores them. */
export function createEnrichment({
  config,
  store,
  registry,
  log,
  onAsnProgress,
}: {
  config: Config
  store: Store
  registry: Registry
  log: Logger
  /** Share of the address database that is built, from 0 to 1. */
  onAsnProgress: (share: number) => void
}): Component & { consume: Consume; check: Check } {
  let lookup: NetworkLookup | undefined
  let worker: ((batches: readonly Batch[]) => Promise<Receipt[]>) | undefined
  return {
    name: 'enricher',
    async start() {
      const databasePath = await findDatabase(config, log, onAsnProgress)
      const opened = createNetworkLookup({
        databasePath,
        networksPath: config.enricher.networks,
        log,
        registry,
      })
      await opened.start()
      lookup = opened
      const enricher = createEnricher({
        lookup: opened,
        prefix: { ipv4: config.enricher.prefix_ipv4, ipv6: config.enricher.prefix_ipv6 },
        truncateAddresses: config.enricher.truncate_addresses,
        clientKey: await clientKey(join(config.data.folder, 'client.key')),
      })
      const sequences = await loadSequences(store, { retentionMs: config.store.retention_raw })
      worker = createWorker({ enrich: (batch) => enricher.enrich(batch), store, sequences, registry })
    },
    async stop() {
      await lookup?.stop()
    },
    consume(batches) {
      if (worker === undefined) return Promise.reject(new Error('the enricher has not started'))
      return worker(batches)
    },
    check: {
      name: 'asn_database',
      check: () =>
        lookup?.database() === undefined
          ? { ready: false, reason: 'the ASN database is not open yet' }
          : { ready: true },
    },
  }
}

/** The database that is configured, else the one that is built into the data folder. */
export async function findDatabase(
  config: Config,
  log: Logger,
  onProgress: (share: number) => void,
): Promise<string> {
  if (config.enricher.asn_database !== undefined) return config.enricher.asn_database
  const { path, built, version } = await ensureAsnDatabase({
    dataFolder: config.data.folder,
    onProgress: ({ done, total }) => onProgress(total === 0 ? 1 : done / total),
  })
  if (built) log.info({ path, version }, 'ASN database built')
  return path
}

/** The key under which client addresses are hashed: made once, kept with the data, so that counts stay comparable. */
async function clientKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(randomBytes(32))
    await file.close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const key = await readFile(path)
  if (key.length !== 32)
    throw new Error(`${path} has ${key.length} bytes instead of 32: remove it to make a new one`)
  return key
}
