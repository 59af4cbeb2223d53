import { promisify } from 'node:util'
import { gunzip, gzip, gzipSync } from 'node:zlib'
import type { Batch } from './batch.ts'
import type { Spool } from './spool.ts'

/** Makes batches of lines: the only place where sequence numbers are given out. */
export type Sealer = {
  /** Seals lines of NDJSON, each ended, into the spool. */
  seal(lines: string, events: number): void
  /** Replaces a batch by its two halves, under new numbers. Only for one that ingest surely did not store. */
  split(batch: Batch): Promise<void>
  /** Does something when all that was begun before is done. */
  after(task: () => Promise<void>): Promise<void>
  /** Events not sealed yet. */
  readonly events: number
  /** Seals what has not been sealed yet, at the process's exit; returns how many events could not be written. */
  finishSync(write: (batch: Batch) => void): number
}

type Unsealed = { lines: string; events: number; sequence: number | undefined }

/**
 * Measured on Node 20 with batches of 50 to 1000 events: level 3 costs a third of the usual level's CPU for a fifth more
 * bytes; the smaller window costs no bytes, since lines repeat the line before, and saves setting up the usual one.
 */
const GZIP = { level: 3, windowBits: 13, memLevel: 6 }
/** Up to this length the detour over a thread costs more than it spares: some 0.2 ms. */
const SHORT = 65_536
const compressLong = promisify<string, object, Buffer>(gzip)
const expand = promisify<Buffer, Buffer>(gunzip)

export type SealerParts = {
  agent: string
  epoch: number
  spool: Spool
  /** Told when a batch is ready to be sent. */
  onSealed: () => void
  /** Told when events could not be sealed, with the reason. */
  onDropped: (reason: string, events: number) => void
}

/** Batches that may wait to be compressed and written. More wait only when the disk hangs. */
const MOST_UNSEALED = 64

/** One thing at a time, so that batches enter the spool in the order of their numbers. */
export function createSealer({ agent, epoch, spool, onSealed, onDropped }: SealerParts): Sealer {
  const unsealed: Unsealed[] = []
  let lane: Promise<void> = Promise.resolve()

  const after = (task: () => Promise<void>): Promise<void> => {
    const done = lane.then(task)
    lane = done.catch(() => undefined)
    return done
  }

  async function sealNext(item: Unsealed): Promise<void> {
    try {
      const body = await compress(item.lines)
      item.sequence = spool.nextSequence(epoch)
      await spool.add({ agent, epoch, sequence: item.sequence, events: item.events, body })
    } finally {
      unsealed.splice(unsealed.indexOf(item), 1)
    }
    onSealed()
  }

  async function splitNow(batch: Batch): Promise<void> {
    const lines = (await expand(batch.body)).toString('utf8').split('\n').slice(0, -1)
    const middle = Math.ceil(lines.length / 2)
    for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
      const body = await compress(`${half.join('\n')}\n`)
      const sequence = spool.nextSequence(batch.epoch)
      const { agent: sender, epoch: run } = batch
      await spool.add({ agent: sender, epoch: run, sequence, events: half.length, body }, batch.sequence)
    }
  }

  return {
    seal(lines, events) {
      if (unsealed.length >= MOST_UNSEALED) return onDropped('spool_slow', events)
      const item: Unsealed = { lines, events, sequence: undefined }
      unsealed.push(item)
      after(() => sealNext(item)).catch(() => onDropped('seal_failed', events))
    },
    get events() {
      return unsealed.reduce((sum, item) => sum + item.events, 0)
    },
    split: (batch) => after(() => splitNow(batch)),
    after,
    finishSync(write) {
      let next = spool.nextSequence(epoch)
      let lost = 0
      for (const { lines, events, sequence = next++ } of unsealed) {
        try {
          write({ agent, epoch, sequence, events, body: gzipSync(lines, GZIP) })
        } catch {
          lost += events
        }
      }
      return lost
    },
  }
}

async function compress(lines: string): Promise<Buffer> {
  return lines.length <= SHORT ? gzipSync(lines, GZIP) : compressLong(lines, GZIP)
}
