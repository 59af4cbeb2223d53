import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../core/store/store.ts'
import { storeAt, temporaryFolder } from '../core/store/testing.ts'
import { replay } from './backtest.ts'
import { createChangeTable } from './change-table.ts'
import type { MinuteCount } from './count.ts'
import type { Description, Incident } from './incident.ts'
import { createIncidentTable } from './incident-table.ts'
import { createDetectorLoop } from './loop.ts'
import { createOrderTable } from './order-table.ts'
import { createTraffic, START, type Traffic } from './testing/traffic.ts'

const HISTORY = 6 * 60
const ONSET = HISTORY - 12
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
/** Fails until the end of the test, or until half an hour after the start. */
let fails: (t: number) => boolean = () => true
const NETWORKS: Traffic[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ asn: 65000 + i, clients: 5, rate: () => 0.006 })),
  { asn: 64500, clients: 8, rate: (t) => (t >= ONSET && fails(t) ? 0.9 : 0.006) },
]

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
beforeEach(async () => {
  fails = () => true
  for (const table of ['incidents', 'incident_orders', 'incident_changes'])
    await store.command(`TRUNCATE TABLE ${table}`)
})

/** A detector over the store's tables, `minutes` after the start; its minutes come from a generator. */
function detectorAt(
  minutes: number,
  over: Pick<Store, 'query' | 'insert'> = store,
  describe?: () => Promise<Description>,
) {
  const source = createTraffic(1, NETWORKS)
  const counts = Array.from({ length: HISTORY + 240 }, (_, t) => source(t)).flat()
  let now = (START + minutes * 60) * 1000
  const read = async (from: number, to: number): Promise<MinuteCount[]> =>
    counts.filter(({ minute }) => minute >= from && minute < to && minute * 1000 < now)
  const changes = createChangeTable(over)
  const incidents = createIncidentTable(over, changes)
  const orders = createOrderTable(over, changes)
  const loop = createDetectorLoop({
    read,
    write: (changed) => incidents.write(changed),
    stored: () => incidents.read(START),
    orders,
    ...(describe && { describe }),
    clock: () => now,
    log: quiet,
    options: { interval_ms: 3_600_000, history_ms: minutes * 60_000 },
  })
  return {
    loop,
    read,
    orders,
    async passes(more: number) {
      for (let i = 0; i < more; i++) {
        now += 60_000
        await loop.judgeDue()
      }
    },
  }
}

const lastStates = () => createIncidentTable(store, createChangeTable(store)).read(START)
const events = () =>
  store.query<Record<string, unknown>>(
    'SELECT sequence, event, id, state, author, note, toUnixTimestamp(at) AS at FROM incident_changes FINAL ORDER BY sequence',
  )
const takenMinute = async () =>
  (await store.query<{ at: number }>('SELECT toUnixTimestamp(minute) AS at FROM incident_orders FINAL'))[0]
    ?.at

async function order(incident: Incident | undefined, action: string, given: object = {}): Promise<void> {
  const { id, scope, asn, label, prefix, site } = incident as Incident
  const by = { author: 'ada', reason: 'a firewall rule, taken back', given_at: '2023-11-15 04:00:00.123' }
  await store.insert('incident_orders', [
    { incident: id, action, scope, asn, label, prefix, site, ...by, minute: 0, version: 1, ...given },
  ])
}

describe('an incident that is closed by hand', () => {
  it('ends before the next minute, and what goes on failing is another incident, on new evidence', async () => {
    const { loop, passes } = detectorAt(HISTORY + 1)
    await loop.start()
    const [first] = loop.snapshot().incidents
    await order(first, 'close')
    await loop.judgeDue()
    const closedAt = loop.snapshot().judged_minute + 60
    expect(loop.snapshot().incidents).toEqual([])
    expect(loop.snapshot().state({ asn: 64500, label: '', prefix: '' })).toMatchObject({
      evidence: 0,
      onset: 0,
    })
    expect(await lastStates()).toMatchObject([{ id: first?.id, state: 'closed', closed_at: closedAt }])
    expect((await lastStates())[0]?.explanation).toMatch(/; closed by hand at \d\d:\d\d$/)
    await passes(1)
    expect(loop.snapshot().incidents).toEqual([])
    await passes(9)
    await loop.stop()
    const [second] = loop.snapshot().incidents
    expect(second).toMatchObject({ asn: 64500, onset: closedAt, reopened: 0 })
    expect(second?.id).not.toBe(first?.id)
  })

  it('says so also in a sentence that names the cause', async () => {
    const description = { network: 'Example Net', cause: 'mtu_inbound', cause_share: 0.92, dimension: '' }
    const { loop } = detectorAt(HISTORY + 1, store, async () => description)
    await loop.start()
    await order(loop.snapshot().incidents[0], 'close')
    await loop.judgeDue()
    await loop.stop()
    expect((await lastStates())[0]?.explanation).toMatch(
      /^AS64500 Example Net: .*mtu_inbound; closed by hand at \d\d:\d\d$/,
    )
  })

  it('stays so through a restart: the replay gives the same state and the same incidents, bit for bit', async () => {
    const live = detectorAt(HISTORY + 1)
    await live.loop.start()
    await live.passes(3)
    await order(live.loop.snapshot().incidents[0], 'close')
    await live.passes(40)
    await live.loop.stop()
    const [states, told] = [await lastStates(), await events()]
    expect(states.map(({ state }) => state)).toEqual(['closed', 'open'])
    const again = detectorAt(HISTORY + 44)
    await again.loop.start()
    await again.loop.stop()
    expect(stateOf(again)).toEqual(stateOf(live))
    expect(again.loop.snapshot().incidents).toEqual(live.loop.snapshot().incidents)
    // Nothing was news.
    expect(await lastStates()).toEqual(states)
    expect(await events()).toEqual(told)
  })

  it('is closed by the restart when it was ordered while the detector was away', async () => {
    const before = detectorAt(HISTORY + 1)
    await before.loop.start()
    await before.loop.stop()
    await order(before.loop.snapshot().incidents[0], 'close')
    const after = detectorAt(HISTORY + 3)
    await after.loop.start()
    await after.loop.stop()
    expect(after.loop.snapshot().incidents).toEqual([])
    expect(await takenMinute()).toBe(after.loop.snapshot().judged_minute + 60)
    const third = detectorAt(HISTORY + 3)
    await third.loop.start()
    await third.loop.stop()
    expect(stateOf(third)).toEqual(stateOf(after))
  })

  it('does not come back as the same one within half an hour, as one that ended by itself does', async () => {
    fails = (t) => t < HISTORY + 5 || t > HISTORY + 20
    const { loop, passes } = detectorAt(HISTORY + 4)
    await loop.start()
    await order(loop.snapshot().incidents[0], 'close')
    await passes(30)
    await loop.stop()
    const found = await lastStates()
    expect(found.map(({ reopened }) => reopened)).toEqual(found.map(() => 0))
    expect(found.length).toBeGreaterThan(1)
  })

  it('is closed for `halfshake detect` at the same minute', async () => {
    const live = detectorAt(HISTORY + 1)
    await live.loop.start()
    await order(live.loop.snapshot().incidents[0], 'close')
    await live.passes(20)
    await live.loop.stop()
    const to = live.loop.snapshot().judged_minute + 60
    const closings = await live.orders.closings(START)
    const { incidents, detector } = await replay({ read: live.read, from: START, to, closings })
    expect(incidents.map(({ id, closed_at }) => [id, closed_at])).toEqual(
      (await lastStates()).map(({ id, closed_at }) => [id, closed_at]),
    )
    expect(detector.openIncidents()).toEqual(live.loop.snapshot().incidents)
  })
})

describe('a store that is away while an order is taken', () => {
  it('holds the next minute back until it is known what was stored', async () => {
    let lost = 0
    const flaky: Pick<Store, 'query' | 'insert'> = {
      query: (sql, parameters) =>
        lost > 0 && sql.includes("action = 'close' AND version = 2")
          ? Promise.reject(new Error('away'))
          : store.query(sql, parameters),
      async insert(table, rows) {
        await store.insert(table, rows)
        // It is stored, and the answer is lost.
        if (lost > 0 && table === 'incident_orders') throw new Error('no answer')
      },
    }
    const live = detectorAt(HISTORY + 1, flaky)
    await live.loop.start()
    const judged = live.loop.snapshot().judged_minute
    await order(live.loop.snapshot().incidents[0], 'close')
    lost = 1
    await live.passes(1)
    await live.passes(2)
    const waiting = live.loop.snapshot()
    expect(waiting.judged_minute).toBe(judged + 60)
    expect(waiting.incidents).toHaveLength(1)
    lost = 0
    await live.passes(1)
    await live.loop.stop()
    expect(await takenMinute()).toBe(judged + 120)
    expect((await lastStates())[0]).toMatchObject({ state: 'closed', closed_at: judged + 120 })
    const again = detectorAt(HISTORY + 5)
    await again.loop.start()
    await again.loop.stop()
    expect(stateOf(again)).toEqual(stateOf(live))
  })
})

describe('what became of an incident', () => {
  it('is told once each, in order and without a gap: opened, acknowledged, changed, closed and by whom', async () => {
    fails = (t) => t < HISTORY + 10
    const { loop, passes } = detectorAt(HISTORY + 1)
    await loop.start()
    const [incident] = loop.snapshot().incidents
    await order(incident, 'acknowledge', { reason: 'looking into it' })
    await passes(2)
    await order(incident, 'close', { author: 'bob' })
    await passes(1)
    await loop.stop()
    const told = await events()
    expect(told.map(({ sequence }) => sequence)).toEqual(told.map((_, i) => i + 1))
    expect(told.map(({ event, author, note }) => [event, author, note])).toEqual([
      ['opened', '', ''],
      ['acknowledged', 'ada', 'looking into it'],
      ['changed', '', ''],
      ['changed', '', ''],
      ['closed', 'bob', 'a firewall rule, taken back'],
    ])
    expect(new Set(told.map(({ id }) => id))).toEqual(new Set([incident?.id]))
    expect(told[1]).toMatchObject({ at: 1_700_020_800 })
  })

  it('says that it opened also when it was over before it could be written', async () => {
    fails = (t) => t < HISTORY
    const { loop } = detectorAt(HISTORY + 60)
    await loop.start()
    await loop.stop()
    const [state] = await lastStates()
    expect(await events()).toMatchObject([
      { event: 'opened', state: 'open', at: state?.opened_at },
      { event: 'closed', state: 'closed', at: state?.closed_at, author: '' },
    ])
  })

  it('is not told again when the same states are written again', async () => {
    const changes = createChangeTable(store)
    const [one] = await someIncidents()
    const states = [
      { ...one, version: 10 },
      { ...one, version: 20, state: 'closed', closed_at: 20 },
      { ...one, version: 30, state: 'open', reopened: 1 },
    ] as Incident[]
    for (const state of states) for (let i = 0; i < 2; i++) await changes.add([state])
    for (const state of states) await changes.add([state])
    expect((await events()).map(({ event }) => event)).toEqual(['opened', 'closed', 'opened'])
  })
})

async function someIncidents(): Promise<Incident[]> {
  const { loop } = detectorAt(HISTORY + 1)
  await loop.start()
  await loop.stop()
  await store.command('TRUNCATE TABLE incident_changes')
  return loop.snapshot().incidents
}

/** The numbers of every stream. */
function stateOf({ loop }: ReturnType<typeof detectorAt>) {
  return NETWORKS.map(({ asn = 0 }) => loop.snapshot().state({ asn, label: '', prefix: '' }))
}
