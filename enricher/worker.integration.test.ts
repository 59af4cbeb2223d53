import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../core/bus/bus.ts'
import { loadSequences } from '../core/store/sequences.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { blockOf, createWorker } from './worker.ts'

const DAY_MS = 86_400_000
const LARGE = 20

describe('the worker of one process', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let store: ReturnType<typeof storeAt>
  beforeAll(async () => {
    folder = await temporaryFolder()
    store = storeAt(folder.path)
    await store.start()
  })
  afterAll(async () => {
    await store.stop()
    await folder.remove()
  })

  it('stores each batch once, in whatever order its run sends them, also after a restart', async () => {
    const work = await worker()
    expect(await work([batch(1), batch(5)])).toEqual([stored(1), stored(5)])
    expect(await work([batch(3), batch(5), batch(3)])).toEqual([stored(3), repeated(5), repeated(3)])
    const restarted = await worker()
    expect(await restarted([batch(2), batch(3), batch(6), batch(1)])).toEqual([
      stored(2),
      repeated(3),
      stored(6),
      repeated(1),
    ])
    expect(await countById()).toEqual([1, 2, 3, 5, 6].map((sequence) => ({ id: `b-${sequence}`, n: 1 })))
  })

  it('lets others have their turn while it makes a large block', async () => {
    let turns = 0
    let enriched = 0
    const count = () => {
      turns += 1
      if (enriched < LARGE) setImmediate(count)
    }
    setImmediate(count)
    const block = await blockOf(
      Array.from({ length: LARGE }, (_, i) => large(i)),
      ({ sequence, events }) => {
        enriched += 1
        return events.map(() => handshakeRow({ sequence }))
      },
    )
    expect(block.map(({ table, rows }) => [table, rows])).toEqual([
      ['handshakes', LARGE * 1_000],
      ['dead_letters', 0],
      ['batches', LARGE],
    ])
    expect(turns).toBeGreaterThan(LARGE / 4)
  })

  async function worker() {
    return createWorker({
      enrich: ({ sequence }) => [handshakeRow({ sequence, id: `b-${sequence}` })],
      store,
      sequences: await loadSequences(store, { retentionMs: DAY_MS }),
      registry: new Registry(),
    })
  }

  function countById() {
    return store.query('SELECT id, count() AS n FROM handshakes GROUP BY id ORDER BY id')
  }
})

function large(sequence: number): Batch {
  const [one] = batch(sequence).events
  return { ...batch(sequence), events: one === undefined ? [] : Array(1_000).fill(one) }
}

/** A batch of one event, with as many lines that only opened as its number says, so that receipts differ. */
function batch(sequence: number): Batch {
  const event = {
    v: 1,
    id: `b-${sequence}`,
    state: 'active',
    opened_at: Date.now(),
    decided_at: Date.now(),
    source_address: '192.0.2.7',
    source_port: 40_000,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 1,
    bytes_out: 1,
  } as const
  return {
    agent: 'edge',
    epoch: 1,
    sequence,
    received_at: Date.now(),
    bus_partition: 0,
    bus_offset: 0,
    events: [{ line: 1, event }],
    opened: sequence,
    refused: [],
  }
}

function stored(sequence: number) {
  return { accepted: sequence + 1, rejected: 0, duplicate: false }
}

function repeated(sequence: number) {
  return { ...stored(sequence), duplicate: true }
}
