import type { ConnectionEvent } from '../../core/event/event.ts'
import type { Clock } from '../clock.ts'
import type { Once } from '../log.ts'
import type { Settings } from '../options.ts'
import { createCollector } from './collector.ts'
import { add, createReporterCounts, type ReporterCounts } from './counts.ts'
import { createDirectoryStore } from './directory-store.ts'
import { createSealer } from './sealer.ts'
import { createSender } from './sender.ts'
import { createSpool } from './spool.ts'
import { createMemoryStore, type Store } from './store.ts'
import { createTransport } from './transport.ts'

/** Brings events to ingest: each is stored once, or counted under the reason why it was not. */
export type Reporter = {
  report(event: ConnectionEvent): void
  readonly counts: ReporterCounts
  /** What has not reached ingest yet. */
  readonly waiting: { events: number; batches: number; bytes: number }
  /** Sends what there is without waiting for batches to fill, from now on. Does not wait. */
  hurry(): void
  /** Sends what there is; resolves when that is done, or given up, or after so many ms. Keeps the process alive. */
  drain(ms: number): Promise<void>
  /** Drains and ends. What is in a spool directory stays there for the next run. */
  close(ms: number): Promise<void>
  /** Writes what there is to the spool directory at the process's exit; undefined when there is none. */
  saveSync: (() => void) | undefined
}

export type ReporterParts = {
  settings: Settings
  epoch: number
  clock: Clock
  random: () => number
  once: Once
}

/** How often to look for what ended runs left in the spool directory. */
const ADOPT_MS = 60_000

export function createReporter({ settings, epoch, clock, random, once }: ReporterParts): Reporter {
  const { agent, log, url, token, requestTimeout } = settings
  const counts = createReporterCounts()
  const store = createStore(settings, epoch, once)
  const spool = createSpool({ store, maxBytes: settings.spool.maxBytes, counts, log, once })
  const sealer = createSealer({
    ...{ agent, epoch, spool },
    onSealed: () => sender.wake(),
    onDropped: (reason, events) => add(counts.dropped, reason, events),
  })
  const transport = createTransport(url, token, requestTimeout)
  const sender = createSender({ spool, sealer, transport, counts, clock, random, log, once })
  const collector = createCollector({ limits: settings.batch, take: sealer.seal })

  void sealer.after(spool.open).then(sender.wake)
  const adoption = setInterval(() => void sealer.after(spool.adopt).then(sender.wake), ADOPT_MS).unref()
  if (settings.spool.directory === undefined) clearInterval(adoption)

  async function drain(ms: number): Promise<void> {
    collector.flush()
    const until = clock.steady() + ms
    const work = sealer.after(async () => undefined).then(() => sender.finish(until))
    await atMost(ms, work)
  }

  return {
    counts,
    report(event) {
      counts.reported += 1
      collector.add(event)
    },
    get waiting() {
      const { batches, bytes, events } = spool
      return { events: events + sealer.events + collector.events, batches, bytes }
    },
    hurry: collector.hurry,
    drain,
    async close(ms) {
      clearInterval(adoption)
      await drain(ms)
      sender.stop()
      const lost = await spool.release()
      if (lost === 0) return
      add(counts.dropped, 'stopped', lost)
      log.warn({ events: lost }, `the agent stopped with ${lost} events that ingest did not take`)
    },
    saveSync: saver(store, () => {
      collector.flush()
      if (store.writeSync === undefined) return
      // An error thrown at the exit would become the application's exit code.
      const lost = sealer.finishSync(store.writeSync)
      if (lost === 0) return
      add(counts.dropped, 'stopped', lost)
      log.warn({ events: lost }, `the process ends with ${lost} events that the spool directory did not take`)
    }),
  }
}

function saver(store: Store, save: () => void): (() => void) | undefined {
  return store.writeSync === undefined ? undefined : save
}

function createStore({ spool, log }: Settings, epoch: number, once: Once): Store {
  if (spool.directory === undefined) return createMemoryStore()
  return createDirectoryStore({
    directory: spool.directory,
    epoch,
    onDamaged: (file, events) =>
      once.say('spool_damaged', () => log.error({ file, events }, `a file of the spool is damaged: ${file}`)),
  })
}

/** Waits for work, but not longer than so many ms. This timer is the one thing of the agent that keeps a process alive. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, deadline])
  clearTimeout(timer)
}
