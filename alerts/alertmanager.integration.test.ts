import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createAlertmanagerReceiver } from './receivers/alertmanager.ts'
import { createSilenceTable } from './silence-table.ts'
import { startAlertmanager } from './testing/alertmanager.ts'
import { DIVERGENCE, incidentOf, ruleOf, silenceOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'

const START = Math.floor(Date.now() / 60_000) * 60 - 3_600
const at = (minutes: number) => START + minutes * 60
/** Longer than Alertmanager waits before it tells. */
const SETTLED_MS = 5_000

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>
let webhook: Awaited<ReturnType<typeof startReceiver>>
let alertmanager: Awaited<ReturnType<typeof startAlertmanager>>
let now = 0

beforeEach(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  await store.start()
  webhook = await startReceiver()
  alertmanager = await startAlertmanager({ folder: folder.path, webhook: webhook.url })
})
afterEach(async () => {
  await alertmanager.stop()
  await webhook.close()
  await store.stop()
  await folder.remove()
})

function evaluator() {
  const receiver = createAlertmanagerReceiver({ name: 'am', url: alertmanager.url, now: Date.now })
  const rule = ruleOf({ id: 'any-network-diverges', summary: 'A network diverges.', what: DIVERGENCE })
  return createSystem({ store, rules: [rule], receivers: [receiver], clock: () => now })
}

/** Both evaluate the same minute at the same time. */
async function rounds(minute: number, systems: readonly ReturnType<typeof evaluator>[]): Promise<void> {
  now = whenDue(minute)
  await Promise.all(systems.map((system) => system.round()))
}

/** The delivery's loop as it starts: it tells again what fires. */
async function remind(): Promise<void> {
  const { delivery } = evaluator()
  await delivery.start()
  await pause(1_000)
  await delivery.stop()
}

const write = (given: Parameters<typeof incidentOf>[0]) =>
  createIncidentTable(store, createChangeTable(store)).write([incidentOf(given)])
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const told = () =>
  webhook.received.map(({ body }) => {
    const { status, alerts } = body as { status: string; alerts: unknown[] }
    return `${status} ${alerts.length}`
  })

describe('with a real Alertmanager', () => {
  it('each event arrives exactly once: two evaluators, repeats, restarts of Alertmanager and of the evaluators', async () => {
    const both = [evaluator(), evaluator()]
    await rounds(at(0), both)
    await write({ opened_at: at(1), version: 1 })
    await rounds(at(1), both)
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 1'])
    expect(await alertmanager.alerts()).toMatchObject([
      {
        labels: { alertname: 'any-network-diverges', asn: 'AS64500', severity: 'warning', scope: 'network' },
        annotations: { cause: 'MTU hole, client to server (mtu_inbound)', advice: expect.any(String) },
        generatorURL: 'https://halfshake.example.com/#/networks/AS64500',
      },
    ])
    await rounds(at(2), both)
    await remind()
    await alertmanager.stop()
    await alertmanager.start()
    expect(await alertmanager.alerts()).toEqual([])
    await remind()
    await pause(SETTLED_MS)
    expect(await alertmanager.alerts()).toHaveLength(1)
    expect(told()).toEqual(['firing 1'])
    // It heals while Alertmanager is down; the evaluators are restarted meanwhile.
    await alertmanager.stop()
    await write({ opened_at: at(1), closed_at: at(5), version: 2 })
    await rounds(at(5), [evaluator(), evaluator()])
    await alertmanager.start()
    await rounds(at(7), [evaluator(), evaluator()])
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 1', 'resolved 1'])
    expect(await alertmanager.alerts()).toEqual([])
  }, 120_000)

  it('fifty prefixes of one network are one message, and a new one is told at once', async () => {
    const system = evaluator()
    // The real time: Alertmanager waits for others only with what has just begun.
    now = Date.now()
    const minute = Math.floor((now - 130_000) / 60_000) * 60
    const prefix = (i: number, opened_at: number) =>
      incidentOf({ id: `p${i}`, scope: 'prefix', prefix: `192.0.${i}.0/24`, opened_at })
    await createIncidentTable(store, createChangeTable(store)).write(
      Array.from({ length: 50 }, (_, i) => prefix(i, minute)),
    )
    await system.round()
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 50'])
    await write(prefix(60, minute))
    now += 60_000
    await system.round()
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 50', 'firing 51'])
  }, 60_000)

  it('goes on to fire through a silence that came after it was told, is told nothing new by it, and is told the end', async () => {
    await rounds(at(0), [evaluator()])
    await write({ opened_at: at(1), version: 1 })
    await rounds(at(1), [evaluator()])
    await pause(SETTLED_MS)
    const end = { ends_at: whenDue(at(60)) }
    await createSilenceTable(store).write(silenceOf({ starts_at: now, ...end }))
    await write({ id: 'two', asn: 64_501, opened_at: at(2), version: 1 })
    await rounds(at(2), [evaluator()])
    // It has forgotten everything: what it is reminded of is all that it knows.
    await alertmanager.stop()
    await alertmanager.start()
    expect(await alertmanager.alerts()).toEqual([])
    await remind()
    await pause(SETTLED_MS)
    expect(await alertmanager.alerts()).toMatchObject([{ labels: { asn: 'AS64500' } }])
    expect(told()).toEqual(['firing 1'])
    await write({ opened_at: at(1), closed_at: at(5), version: 2 })
    await rounds(at(5), [evaluator(), evaluator()])
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 1', 'resolved 1'])
    // The second is told when the silence is ended.
    const ended = { ended_by: 'Ada', ended_reason: 'Done', ended_at: now + 1_000 }
    await createSilenceTable(store).write(silenceOf({ starts_at: whenDue(at(1)), ...end, ...ended }))
    await rounds(at(6), [evaluator(), evaluator()])
    await pause(SETTLED_MS)
    expect(told()).toEqual(['firing 1', 'resolved 1', 'firing 1'])
  }, 120_000)
})
