import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createSilenceTable } from './silence-table.ts'
import { incidentOf, silenceOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { whenDue } from './testing/system.ts'

const PROGRAM = join(import.meta.dirname, 'testing', 'evaluator-process.ts')
const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 3_600

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let receiver: Awaited<ReturnType<typeof startReceiver>>

beforeEach(async () => {
  folder = await temporaryFolder()
  receiver = await startReceiver()
  const store = storeAt(folder.path)
  await store.start()
  await createIncidentTable(store, createChangeTable(store)).write([incidentOf({ opened_at: MINUTE })])
  await store.stop()
})
afterEach(async () => {
  await receiver.close()
  await folder.remove()
})

/** Runs evaluator and delivery once; returns how the process ended. */
async function evaluate(minute: number, killAt = 'never'): Promise<string | number> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', PROGRAM, folder.path, receiver.url, String(whenDue(minute)), killAt],
    { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, UV_THREADPOOL_SIZE: '8' } },
  )
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return signal ?? code ?? -1
}

const keys = () => receiver.received.map(({ headers }) => headers['idempotency-key'])

describe('kill -9 of the evaluator', () => {
  it.each(['queueing', 'sending'])('before %s the message loses nothing', async (moment) => {
    expect(await evaluate(MINUTE, moment)).toBe('SIGKILL')
    expect(keys()).toHaveLength(0)
    expect(await evaluate(MINUTE)).toBe(0)
    expect(await evaluate(MINUTE + 60)).toBe(0)
    expect(keys()).toHaveLength(1)
  })

  it('between sending and recording repeats the message under the same key, once', async () => {
    expect(await evaluate(MINUTE, 'recording')).toBe('SIGKILL')
    expect(keys()).toHaveLength(1)
    expect(await evaluate(MINUTE)).toBe(0)
    expect(await evaluate(MINUTE + 60)).toBe(0)
    expect(keys()).toHaveLength(2)
    expect(new Set(keys()).size).toBe(1)
    expect(receiver.received[0]?.text).toBe(receiver.received[1]?.text)
  })

  it.each(['alert_changes', 'alerts', 'alert_progress'])(
    'before %s is written loses no change of an alert, and tells none twice',
    async (table) => {
      expect(await evaluate(MINUTE, table)).toBe('SIGKILL')
      expect(await evaluate(MINUTE)).toBe(0)
      await closeIncident()
      expect(await evaluate(MINUTE + 60, table)).toBe('SIGKILL')
      expect(await evaluate(MINUTE + 60)).toBe(0)
      expect(await changes()).toEqual([
        { sequence: 1, event: 'fired' },
        { sequence: 2, event: 'resolved' },
      ])
    },
  )

  it('under a silence tells nothing, and what it held back once, when the silence is over', async () => {
    const store = storeAt(folder.path)
    await store.start()
    const ends_at = whenDue(MINUTE + 120)
    await createSilenceTable(store).write(silenceOf({ starts_at: whenDue(MINUTE), ends_at }))
    await store.stop()
    expect(await evaluate(MINUTE)).toBe(0)
    expect(await evaluate(MINUTE + 60, 'sending')).toBe('SIGKILL')
    expect(await evaluate(MINUTE + 120, 'queueing')).toBe('SIGKILL')
    expect(keys()).toHaveLength(0)
    expect(await evaluate(MINUTE + 120)).toBe(0)
    expect(await evaluate(MINUTE + 180)).toBe(0)
    expect(keys()).toHaveLength(1)
  })
})

async function closeIncident(): Promise<void> {
  const store = storeAt(folder.path)
  await store.start()
  const closed = incidentOf({ opened_at: MINUTE, closed_at: MINUTE + 60, version: MINUTE + 1 })
  await createIncidentTable(store, createChangeTable(store)).write([closed])
  await store.stop()
}

async function changes(): Promise<unknown[]> {
  const store = storeAt(folder.path)
  await store.start()
  const rows = await store.query('SELECT sequence, event FROM alert_changes ORDER BY sequence')
  await store.stop()
  return rows
}
