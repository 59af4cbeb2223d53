import { Counter, Gauge, type Registry } from 'prom-client'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { LOOKUPS, type Lookup, type Network } from '../core/store/handshake-row.ts'
import type { Address } from './address.ts'
import { type AsnDatabase, openAsnDatabase } from './database.ts'
import { NO_OVERRIDES, type Overrides, openNetworksFile } from './overrides.ts'
import { createRepeater } from './repeat.ts'
import { createWatchedFile, type LoadResult, type WatchedFile } from './watched-file.ts'

/** Says to which network an address belongs: by networks.csv first, then by the ASN database. */
export type NetworkLookup = Component & {
  /** Never throws: a database that cannot be asked is the result `broken`. */
  find(address: Address): Network
  /** Changes whenever an address might have another answer than before: what was remembered is void then. */
  generation(): number
  /** Looks at both files now, as it does by itself every `watchEveryMs`. */
  refresh(): Promise<void>
  /** The database in force, for the CLI and readiness; undefined before `start`. */
  database(): { path: string; databaseType: string; builtAt: number } | undefined
}

const NOBODY = { asn: 0, network: '' }

/**
 * `start` opens both files and throws `DatabaseUnusable` or `NetworksFileUnusable` when one cannot serve. From then
 * on new versions are taken in as they appear, and a bad one leaves the last good one in force.
 */
export function createNetworkLookup({
  databasePath,
  networksPath,
  log,
  registry,
  watchEveryMs = 5_000,
  now = Date.now,
}: {
  databasePath: string
  networksPath?: string | undefined
  log: Logger
  registry: Registry
  watchEveryMs?: number
  now?: () => number
}): NetworkLookup {
  let generation = 0
  const metrics = createMetrics(registry, () => database.current(), now)
  const onSwap = () => {
    generation += 1
  }
  const database = createWatchedFile({
    path: databasePath,
    load: openAsnDatabase,
    onSwap,
    onResult: metrics.databaseLoaded,
    log,
  })
  const networks =
    networksPath === undefined
      ? undefined
      : createWatchedFile({
          path: networksPath,
          load: openNetworksFile,
          onSwap,
          onResult: metrics.networksLoaded,
          log,
        })
  const find = createFind({ database, networks, metrics, log })
  const refresh = async () => {
    await database.refresh()
    await networks?.refresh()
  }
  const watcher = createRepeater(refresh, watchEveryMs)

  return {
    name: 'network lookup',
    async start() {
      await database.open()
      await networks?.open()
      onSwap()
      const { databaseType, builtAt } = database.current() ?? {}
      log.info({ path: databasePath, databaseType, built: builtAt && new Date(builtAt) }, 'ASN database open')
      watcher.start()
    },
    stop: () => watcher.stop(),
    find,
    generation: () => generation,
    refresh,
    database: () => database.current(),
  }
}

type Metrics = ReturnType<typeof createMetrics>

function createFind({
  database,
  networks,
  metrics,
  log,
}: {
  database: WatchedFile<AsnDatabase>
  networks: WatchedFile<Overrides> | undefined
  metrics: Metrics
  log: Logger
}): (address: Address) => Network {
  let complainedOf: AsnDatabase | undefined
  return (address) => {
    const announced = ask(database.current(), address, complain)
    metrics.lookedUp(announced.lookup)
    const named = (networks?.current() ?? NO_OVERRIDES).find(address)
    if (named === undefined) return { ...announced, label: '' }
    if (named.asn === undefined || named.asn === announced.asn) return { ...announced, label: named.label }
    // Another number than the database's: the database's name is not that network's.
    return { asn: named.asn, network: '', label: named.label, lookup: 'known' }
  }

  /** Once for each database: the metric counts the rest. */
  function complain(asked: AsnDatabase, error: unknown): void {
    if (complainedOf === asked) return
    complainedOf = asked
    log.error({ path: asked.path, error: (error as Error).message }, 'the ASN database could not be asked')
  }
}

function ask(
  database: AsnDatabase | undefined,
  address: Address,
  complain: (database: AsnDatabase, error: unknown) => void,
): { asn: number; network: string; lookup: Lookup } {
  if (database === undefined) return { ...NOBODY, lookup: 'broken' }
  try {
    const announced = database.find(address)
    return announced === undefined ? { ...NOBODY, lookup: 'unknown' } : { ...announced, lookup: 'known' }
  } catch (error) {
    complain(database, error)
    return { ...NOBODY, lookup: 'broken' }
  }
}

function createMetrics(registry: Registry, database: () => AsnDatabase | undefined, now: () => number) {
  const registers = [registry]
  const lookups = new Counter({
    name: 'halfshake_asn_lookups_total',
    help: 'Addresses looked up in the ASN database (repeated addresses are remembered and not looked up again).',
    labelNames: ['result'],
    registers,
  })
  const loads = (name: string, help: string) => new Counter({ name, help, labelNames: ['result'], registers })
  const databaseLoads = loads('halfshake_asn_database_loads_total', 'Versions of the ASN database seen.')
  const networksLoads = loads('halfshake_networks_file_loads_total', 'Versions of networks.csv seen.')
  for (const result of LOOKUPS) lookups.inc({ result }, 0)
  new Gauge({
    name: 'halfshake_asn_database_age_seconds',
    help: 'Time since the data of the ASN database was made.',
    registers,
    collect() {
      const builtAt = database()?.builtAt
      if (builtAt === undefined) this.remove()
      else this.set((now() - builtAt) / 1000)
    },
  })
  return {
    lookedUp: (result: Lookup) => lookups.inc({ result }),
    databaseLoaded: (result: LoadResult) => databaseLoads.inc({ result }),
    networksLoaded: (result: LoadResult) => networksLoads.inc({ result }),
  }
}
