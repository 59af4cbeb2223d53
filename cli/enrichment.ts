import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Consume } from '../core/bus/direct.ts'
import type { Config } from '../core/runtime/config.ts'
import type { Check } from '../core/runtime/health.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { loadSequences } from '../core/store/sequences.ts'
import type { Store } from '../core/store/store.ts'
import { ensureAsnDatabase } from '../enricher/asn-database.ts'
import { createEnricher, type Enricher } from '../enricher/enrich.ts'
import { createNetworkLookup, type NetworkLookup } from '../enricher/lookup.ts'
import { createWorker, type Enrich } from '../enricher/worker.ts'
import { UserError } from './user-error.ts'

export type Enrichment = Component & {
  /** Names the network of each event and concludes what became of it, once started. */
  enrich: Enrich
  check: Check
}

/** The enricher's knowledge as a component: opens the address database, or builds one. */
export function createEnrichment({
  config,
  registry,
  log,
  onAsnProgress,
}: {
  config: Config
  registry: Registry
  log: Logger
  /** Share of the address database that is built, from 0 to 1. */
  onAsnProgress: (share: number) => void
}): Enrichment {
  let lookup: NetworkLookup | undefined
  let enricher: Enricher | undefined
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
      enricher = createEnricher({
        lookup: opened,
        prefix: { ipv4: config.enricher.prefix_ipv4, ipv6: config.enricher.prefix_ipv6 },
        truncateAddresses: config.enricher.truncate_addresses,
        clientKey: await clientKey(config),
      })
    },
    async stop() {
      await lookup?.stop()
    },
    enrich(batch) {
      if (enricher === undefined) throw new Error('the enricher has not started')
      return enricher.enrich(batch)
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

/** The worker of one process as a component: it knows what was stored once it has started. */
export function createStoring({
  config,
  enrich,
  store,
  registry,
}: {
  config: Config
  enrich: Enrich
  store: Store
  registry: Registry
}): Component & { consume: Consume } {
  let worker: Consume | undefined
  return {
    name: 'worker',
    async start() {
      const sequences = await loadSequences(store, { retentionMs: config.store.retention_raw })
      worker = createWorker({ enrich, store, sequences, registry })
    },
    stop: async () => undefined,
    consume(batches) {
      if (worker === undefined) return Promise.reject(new Error('the worker has not started'))
      return worker(batches)
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

/**
 * The key under which client addresses are hashed: the one that is configured, else one that is made once and kept
 * with the data, so that counts stay comparable.
 */
async function clientKey({ enricher, data }: Config): Promise<Buffer> {
  const { client_key_file: given } = enricher
  const path = given ?? join(data.folder, 'client.key')
  if (given === undefined) await makeKey(path)
  const key = await readFile(path).catch((error: Error) => {
    throw new UserError(
      `enricher.client_key_file is ${path}, which cannot be read (${error.message}): make one with "head -c 32 /dev/urandom > ${path}" and give all enrichers the same`,
    )
  })
  if (key.length !== 32)
    throw new UserError(`${path} has ${key.length} bytes instead of 32: remove it to make a new one`)
  return key
}

/** Whole or not there: several enrichers on one folder may start at the same moment. */
async function makeKey(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, randomBytes(32), { mode: 0o600 })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
}
