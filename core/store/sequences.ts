import type { Store } from './store.ts'

/** What was stored of a batch. */
export type Stored = { accepted: number; handshakes: number; rejected: number }

export type Sequences = {
  /**
   * Whether this number may have been stored before: it is not above the highest of its run. Only the store can tell
   * then (`storedBatch`): a lower number that never came is no repeat.
   */
  mayBeStored(agent: string, epoch: number, sequence: number): boolean
  /** Notes that the batch is stored. */
  note(agent: string, epoch: number, sequence: number, at: number): void
}

/**
 * The highest sequence number stored for each run of an agent, so that the store need not be asked for what is
 * plainly new. A run is (agent, epoch): it never repeats a number for other events. Counting by run rather than by
 * agent means a clock set back, or two workers of one name, lose nothing.
 * Runs not heard of for `retentionMs` are forgotten: their events would be refused for their age.
 */
export async function loadSequences(
  store: Pick<Store, 'query'>,
  { retentionMs, maxRuns = 1_000_000 }: { retentionMs: number; maxRuns?: number },
): Promise<Sequences> {
  const runs = new Map<string, { highest: number; at: number }>()
  const key = (agent: string, epoch: number) => `${epoch} ${agent}`
  const rows = await store.query<{ agent: string; epoch: number; highest: number; at: number }>(`
    SELECT agent, epoch, max(sequence) AS highest, toUnixTimestamp64Milli(max(received_at)) AS at
    FROM batches GROUP BY agent, epoch ORDER BY at`)
  for (const { agent, epoch, highest, at } of rows) runs.set(key(agent, epoch), { highest, at })
  return {
    mayBeStored(agent, epoch, sequence) {
      return sequence <= (runs.get(key(agent, epoch))?.highest ?? 0)
    },
    note(agent, epoch, sequence, at) {
      const run = key(agent, epoch)
      const highest = Math.max(sequence, runs.get(run)?.highest ?? 0)
      // Deleted and set again, so that the map stays in the order of last use and the oldest stand first.
      runs.delete(run)
      runs.set(run, { highest, at })
      for (const [oldest, seen] of runs) {
        if (seen.at > at - retentionMs && runs.size <= maxRuns) break
        runs.delete(oldest)
      }
    },
  }
}

/** What was stored of one batch, for the answer to its repeat. */
export async function storedBatch(
  store: Pick<Store, 'query'>,
  batch: { agent: string; epoch: number; sequence: number },
): Promise<Stored | undefined> {
  const [row] = await store.query<Stored>(
    `SELECT accepted, handshakes, rejected FROM batches
     WHERE agent = {agent:String} AND epoch = {epoch:UInt64} AND sequence = {sequence:UInt64} LIMIT 1`,
    batch,
  )
  return row
}
