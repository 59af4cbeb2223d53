import type { Registry } from 'prom-client'
import type { Config } from '../core/runtime/config.ts'
import type { Check } from '../core/runtime/health.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import type { Store } from '../core/store/store.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentDescriber } from '../detector/describe-incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createDetectorLoop, type DetectorLoop } from '../detector/loop.ts'
import { createOrderTable } from '../detector/order-table.ts'
import { createMinuteReader } from '../detector/read-minutes.ts'

/** The detector as a component, reading from and writing to the store. */
export function createDetection({
  config,
  store,
  registry,
  log,
  onDeath,
  onProgress = () => undefined,
  clock,
}: {
  config: Config
  store: Store
  registry: Registry
  log: Logger
  onDeath: (component: string, error: unknown) => void
  /** Share of the stored history that is replayed, from 0 to 1. */
  onProgress?: (share: number) => void
  /** ms since 1970. */
  clock: () => number
}): Component & { check: Check } {
  const { watermark } = config.detector
  const changes = createChangeTable(store)
  const incidents = createIncidentTable(store, changes)
  let loop: DetectorLoop | undefined
  return {
    name: 'detector',
    async start() {
      const history = await storedHistory(store, config.detector.history, clock())
      const created = createDetectorLoop({
        read: createMinuteReader(store),
        write: (changed) => incidents.write(changed),
        describe: createIncidentDescriber(store),
        stored: () => incidents.read(Math.floor((clock() - history) / 1000)),
        orders: createOrderTable(store, changes),
        clock,
        log,
        registry,
        onProgress,
        onDeath: (error) => onDeath('detector', error),
        options: {
          watermark_ms: watermark,
          history_ms: history,
          interval_ms: Math.min(5_000, watermark / 2),
        },
      })
      await created.start()
      loop = created
    },
    async stop() {
      await loop?.stop()
    },
    check: {
      name: 'detector',
      check: () =>
        loop === undefined
          ? { ready: false, reason: 'the stored minutes are being replayed' }
          : { ready: true },
    },
  }
}

/** How far back there is something to replay, ms: at most what is configured, and no empty days before the first event. */
async function storedHistory(store: Store, configured: number, now: number): Promise<number> {
  const [row] = await store.query<{ first: number; minutes: number }>(
    'SELECT toUnixTimestamp(min(minute)) AS first, count() AS minutes FROM minutes_by_network',
  )
  if (row === undefined || row.minutes === 0) return 0
  return Math.min(configured, now - row.first * 1000)
}
