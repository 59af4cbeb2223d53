import type { AgentLog, Once } from '../log.ts'
import { type Batch, inOrder, type Listed } from './batch.ts'
import { add, type ReporterCounts } from './counts.ts'
import { createMemoryStore, keyOf, type Store } from './store.ts'

/** The queue of sealed batches, bounded. */
export type Spool = {
  readonly batches: number
  readonly events: number
  readonly bytes: number
  open(): Promise<void>
  /** Takes over what ended runs left. */
  adopt(): Promise<void>
  /** The number the next batch of this epoch must bear. */
  nextSequence(epoch: number): number
  add(batch: Batch, parent?: number): Promise<void>
  /** The batch to be sent next. */
  first(): Listed | undefined
  read(listed: Listed): Promise<Buffer | undefined>
  remove(listed: Listed): Promise<void>
  writeSync: Store['writeSync']
  /** Ends it; returns how many events are lost by that. */
  release(): Promise<number>
}

export type SpoolParts = {
  store: Store
  maxBytes: number
  counts: ReporterCounts
  log: AgentLog
  once: Once
}

/**
 * When the bound is reached the oldest batches go first: after an outage it is the latest minutes that can still be
 * acted upon. A batch that was sent at least once stays, since ingest may have it: what counts as dropped is not stored.
 */
export function createSpool({ store, maxBytes, counts, log, once }: SpoolParts): Spool {
  /** Takes what the store cannot, so that a full disk loses nothing at once. */
  const fallback = createMemoryStore()
  const inMemory = new Set<string>()
  const last = new Map<number, number>()
  let list: Listed[] = []
  let bytes = 0
  let events = 0

  const note = (listed: Listed) => {
    list.push(listed)
    bytes += listed.bytes
    events += listed.events
    last.set(listed.epoch, Math.max(last.get(listed.epoch) ?? 0, listed.sequence))
  }

  async function takeOver(find: () => Promise<Listed[]>): Promise<void> {
    try {
      for (const listed of await find()) {
        note(listed)
        counts.adopted += listed.events
      }
    } catch (error) {
      trouble(error, 'the spool directory cannot be read')
    }
    list.sort(inOrder)
    await keepBound()
  }

  async function remove(listed: Listed): Promise<void> {
    const at = list.indexOf(listed)
    if (at < 0) return
    list.splice(at, 1)
    bytes -= listed.bytes
    events -= listed.events
    await erase(listed)
    if (list.length === 0 && once.clear('spool_full')) {
      log.info({ dropped: counts.dropped }, 'the spool is empty again, no more events are dropped')
    }
  }

  /** A file that stays is sent again by the next run, and recognised by ingest. */
  async function erase(listed: Listed): Promise<void> {
    try {
      await (inMemory.delete(keyOf(listed)) ? fallback : store).remove(listed)
    } catch (error) {
      trouble(error, 'a file of the spool cannot be removed')
    }
  }

  function trouble(error: unknown, what: string): void {
    const reason = error instanceof Error ? error.message : String(error)
    once.say(what, () => log.error({ reason }, `${what}: ${reason}`))
  }

  async function keepBound(): Promise<void> {
    while (bytes > maxBytes) {
      const oldest = list.find((listed) => !listed.attempted)
      if (oldest === undefined) return
      add(counts.dropped, 'spool_full', oldest.events)
      once.say('spool_full', () =>
        log.warn({ max_bytes: maxBytes }, 'the spool is full: the oldest events not sent yet are dropped'),
      )
      await remove(oldest)
    }
  }

  async function write(batch: Batch, parent?: number): Promise<void> {
    try {
      await store.write(batch, parent)
    } catch (error) {
      trouble(error, 'the spool keeps to memory')
      inMemory.add(keyOf(batch))
      await fallback.write(batch)
    }
  }

  return {
    get batches() {
      return list.length
    },
    get events() {
      return events
    },
    get bytes() {
      return bytes
    },
    open: () => takeOver(store.open),
    adopt: () => takeOver(store.adopt),
    nextSequence: (epoch) => (last.get(epoch) ?? 0) + 1,
    async add(batch, parent) {
      await write(batch, parent)
      const { body, ...rest } = batch
      note({ ...rest, bytes: body.length, attempted: false })
      list.sort(inOrder)
      await keepBound()
    },
    first: () => list[0],
    read: (listed) => (inMemory.has(keyOf(listed)) ? fallback : store).read(listed),
    remove,
    writeSync: store.writeSync,
    async release() {
      const lost = store.writeSync === undefined ? list : list.filter((listed) => inMemory.has(keyOf(listed)))
      await store.release()
      list = []
      return lost.reduce((sum, listed) => sum + listed.events, 0)
    },
  }
}
