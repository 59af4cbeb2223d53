import { join } from 'node:path'
import { type Broker, startBroker } from '../../../core/bus/kafka/broker/testing.ts'
import { createServerStore, type ServerStore } from '../../../core/store/server.ts'
import { silent } from '../../../core/store/testing.ts'
import { freePort, halfshake, type Running, startProgram, untilReady } from '../../testing/processes.ts'
import { createLine, type Line } from './line.ts'

export const PROCESSES = ['ingest-1', 'ingest-2', 'enricher-1', 'enricher-2', 'store', 'broker'] as const
export type ProcessName = (typeof PROCESSES)[number]

/** The steps as processes of their own, a broker and a store over HTTP, all of which can be killed and come back. */
export type Cluster = {
  start(...names: ProcessName[]): Promise<void>
  /** kill -9; the process is not started again by itself. */
  kill(name: ProcessName): Promise<void>
  /** SIGTERM, and its end. */
  stop(name: ProcessName): Promise<number | NodeJS.Signals>
  untilReady(name: ProcessName): Promise<void>
  /** Environment of the enrichers and whatever else reads the store and the bus. */
  readonly settings: Record<string, string>
  urlOf(name: ProcessName): string
  /** The line between the enrichers and the store. */
  readonly line: Line
  /** The store, asked directly. */
  openStore(): Promise<ServerStore>
  outputOf(name: ProcessName): string
  end(): Promise<void>
}

const ENRICHER_WITHOUT_TOKEN = join(import.meta.dirname, 'enricher-without-token.ts')
const STORE = 'store'
const BROKER = 'broker'

export async function createCluster({
  folder,
  asnDatabase,
  without,
}: {
  folder: string
  asnDatabase: string
  /** A guarantee that the enrichers do without. */
  without?: 'token'
}): Promise<Cluster> {
  const ports = new Map<string, number>()
  for (const name of [...PROCESSES, 'store-health']) ports.set(name, await freePort())
  const portOf = (name: string) => ports.get(name) ?? 0
  const urlOf = (name: string) => `http://127.0.0.1:${portOf(name)}`
  const line = await createLine({ host: '127.0.0.1', port: portOf(STORE) })
  const running = new Map<ProcessName, Running>()
  let broker: Broker | undefined

  const settings = {
    HALFSHAKE_LOG_LEVEL: 'warn',
    HALFSHAKE_KAFKA_BROKERS: `127.0.0.1:${portOf(BROKER)}`,
    HALFSHAKE_KAFKA_PARTITIONS: '4',
    HALFSHAKE_KAFKA_SESSION_TIMEOUT: '2s',
    HALFSHAKE_STORE_URL: `http://127.0.0.1:${line.port}`,
    HALFSHAKE_ENRICHER_ASN_DATABASE: asnDatabase,
    HALFSHAKE_DATA_FOLDER: join(folder, 'enrichers'),
  }

  return {
    settings,
    urlOf,
    line,
    async start(...names) {
      await Promise.all(names.map(startOne))
    },
    async kill(name) {
      if (name === BROKER) return broker?.kill('SIGKILL')
      running.get(name)?.child.kill('SIGKILL')
      await running.get(name)?.ended
    },
    async stop(name) {
      const process = running.get(name)
      process?.child.kill('SIGTERM')
      return process?.ended ?? 0
    },
    async untilReady(name) {
      const process = running.get(name)
      if (process !== undefined) await untilReady(urlOf(name === STORE ? 'store-health' : name), process)
    },
    async openStore() {
      const store = createServerStore({
        url: urlOf(STORE),
        user: 'default',
        password: '',
        database: 'halfshake',
        retention: { raw: 14 * 86_400_000, minutes: 30 * 86_400_000, hours: 400 * 86_400_000 },
        log: silent,
      })
      await store.start()
      return store
    },
    outputOf: (name) => running.get(name)?.output() ?? '',
    async end() {
      for (const { child, ended } of running.values()) {
        child.kill('SIGKILL')
        await ended
      }
      await broker?.stop()
      await line.close()
    },
  }

  async function startOne(name: ProcessName): Promise<void> {
    if (name === BROKER) {
      broker = await startBroker({ dataDir: join(folder, BROKER), port: portOf(BROKER) })
      return
    }
    running.set(name, name === STORE ? startStore() : startStep(name))
  }

  function startStore(): Running {
    return halfshake([STORE], {
      HALFSHAKE_LOG_LEVEL: 'warn',
      HALFSHAKE_DATA_FOLDER: join(folder, STORE),
      HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${portOf('store-health')}`,
      HALFSHAKE_STORE_LISTEN: `127.0.0.1:${portOf(STORE)}`,
    })
  }

  function startStep(name: ProcessName): Running {
    const [step = ''] = name.split('-')
    const env = { ...settings, HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${portOf(name)}` }
    return without === 'token' && step === 'enricher'
      ? startProgram([process.execPath, '--import', 'tsx', ENRICHER_WITHOUT_TOKEN], env)
      : halfshake([step], env)
  }
}
