import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import type { Message } from './message.ts'
import { createWebhookReceiver } from './receivers/webhook.ts'
import type { Silence } from './silence.ts'
import { createSilenceTable } from './silence-table.ts'
import { DIVERGENCE, incidentOf, ruleOf, silenceOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'

const NOW = Math.floor(Date.now() / 60_000) * 60
const at = (minutes: number) => NOW + minutes * 60
const rule = ruleOf({ id: 'any-network-diverges', what: DIVERGENCE, repeat_s: 1_800 })

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>
let receiver: Awaited<ReturnType<typeof startReceiver>>
let now = 0

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
  receiver = await startReceiver()
  for (const table of [
    'incidents',
    'incident_orders',
    'alerts',
    'alert_progress',
    'alert_acknowledgements',
    'notifications',
    'notification_attempts',
    'silences',
  ])
    await store.command(`TRUNCATE TABLE ${table}`)
})
afterEach(() => receiver.close())

function system() {
  const webhook = createWebhookReceiver({ name: 'ops', url: receiver.url, secret: undefined, now: () => now })
  return createSystem({ store, rules: [rule], receivers: [webhook], clock: () => now })
}

/** Rounds from one minute to another; a process for each, or one for all. */
async function rounds(from: number, to: number, way: string): Promise<ReturnType<typeof system>> {
  let current = system()
  for (let minute = from; minute <= to; minute += 1) {
    if (way === 'restarted') current = system()
    now = whenDue(at(minute))
    await current.round()
  }
  return current
}

async function write(...incidents: Incident[]): Promise<void> {
  await createIncidentTable(store, createChangeTable(store)).write(incidents)
}

/** Holds when these minutes are evaluated, the last one excluded. */
async function silence(from: number, to: number, given: Partial<Silence> = {}): Promise<Silence> {
  const written = silenceOf({ starts_at: whenDue(at(from)), ends_at: whenDue(at(to)), ...given })
  await createSilenceTable(store).write(written)
  return written
}

const told = () =>
  receiver.received.map(({ body }) => {
    const { status, repeated, alerts } = body as Message
    return `${repeated ? 'again ' : ''}${status} ${alerts.map(({ prefix, asn }) => prefix || asn).join(' ')}`
  })
const recorded = () =>
  store.query<{ id: string; state: string }>('SELECT id, state FROM alerts FINAL ORDER BY fired_at, id')
const open = (from: number, given: Partial<Incident> = {}) =>
  write(incidentOf({ opened_at: at(from), version: 1, ...given }))
const close = (from: number, to: number, given: Partial<Incident> = {}) =>
  write(incidentOf({ opened_at: at(from), closed_at: at(to), version: 2, ...given }))

describe.each(['in one process', 'restarted'])('silences, %s', (way) => {
  it('hold back what begins and ends under them, and never the record', async () => {
    await silence(0, 12)
    await open(1)
    await rounds(0, 5, way)
    expect(await recorded()).toMatchObject([{ state: 'firing' }])
    await close(1, 6)
    await rounds(6, 25, way)
    expect(told()).toEqual([])
    expect(await recorded()).toMatchObject([{ state: 'resolved' }])
  })

  it('let what still fires be told when they end, or are ended', async () => {
    const set = await silence(0, 60)
    await open(1)
    await rounds(0, 4, way)
    expect(told()).toEqual([])
    const ended = { ...set, ended_by: 'Grace', ended_reason: 'Done', ended_at: now + 1_000 }
    await createSilenceTable(store).write(ended)
    await rounds(5, 6, way)
    expect(told()).toEqual(['firing 64500'])
  })

  it('let the end of what was told pass, and hold back its repeats', async () => {
    await open(1)
    await rounds(0, 3, way)
    await silence(4, 90)
    await rounds(4, 40, way)
    expect(told()).toEqual(['firing 64500'])
    await close(1, 41)
    await rounds(41, 43, way)
    expect(told()).toEqual(['firing 64500', 'resolved 64500'])
  })

  it('are about what they name: one prefix, a network in its hours of the week', async () => {
    const time = (minute: number) => new Date(whenDue(at(minute))).toISOString().slice(11, 16)
    const weekly = {
      days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as NonNullable<Silence['weekly']>['days'],
      from: time(0),
      to: time(10),
      time_zone: 'UTC',
    }
    await silence(0, 600, { id: 'prefix', prefixes: ['192.0.2.0/23'] })
    await silence(-5_000, 5_000, { id: 'hours', asns: [64_501], weekly })
    const prefix = (id: string, inside: string) => ({ id, scope: 'prefix' as const, prefix: inside })
    await open(1, prefix('p1', '192.0.3.0/24'))
    await open(1, prefix('p2', '192.0.4.0/24'))
    await open(1, { id: 'n', asn: 64_501 })
    await rounds(0, 8, way)
    expect(told()).toEqual(['firing 192.0.4.0/24'])
    await rounds(9, 12, way)
    expect(told()).toEqual(['firing 192.0.4.0/24', 'firing 64501'])
  })
})

describe('acknowledgements', () => {
  it('of an alert and of an incident stop repeats, and let the end pass', async () => {
    await open(1, { id: 'i1' })
    await open(1, { id: 'i2', asn: 64_501 })
    await open(1, { id: 'i3', asn: 64_502 })
    await rounds(0, 3, 'restarted')
    const [{ id = '' } = {}] = await store.query<{ id: string }>(
      "SELECT id FROM alerts FINAL WHERE incident = 'i1'",
    )
    const given = { author: 'Ada', note: '', given_at: now, until: 0 }
    await createSilenceTable(store).acknowledge(id, given)
    const order = { incident: 'i2', action: 'acknowledge', author: 'Ada', reason: '', version: 1, minute: 0 }
    const given_at = new Date(now).toISOString().replace('T', ' ').replace('Z', '')
    await store.insert('incident_orders', [{ ...order, given_at }])
    receiver.received.length = 0
    const { registry } = await rounds(4, 35, 'in one process')
    expect(told()).toEqual(['again firing 64502'])
    expect(await registry.metrics()).toContain('halfshake_notifications_held_back{receiver="ops"} 2')
    await close(1, 36, { id: 'i1' })
    await rounds(36, 37, 'restarted')
    expect(told()).toEqual(['again firing 64502', 'resolved 64500'])
  })
})

describe('what receivers were told', () => {
  it('is known for as long as it fires, however long a silence lasts, and so is the number of the next message', async () => {
    await open(1)
    await rounds(0, 1, 'restarted')
    await silence(2, 60 * 24 * 50)
    const month = 60 * 24 * 40
    await open(1, { updated_at: at(month), version: 3 })
    await rounds(month, month, 'restarted')
    await close(1, month + 1, { version: 4 })
    await rounds(month + 1, month + 1, 'restarted')
    expect(told()).toEqual(['firing 64500', 'resolved 64500'])
    const later = 60 * 24 * 90
    await open(later, { id: 'later' })
    await rounds(later, later, 'restarted')
    expect(told()).toEqual(['firing 64500', 'resolved 64500', 'firing 64500'])
  }, 120_000)
})

describe('figures', () => {
  it('say what is silenced and held back', async () => {
    await silence(0, 20, { asns: [64_500] })
    await open(1, { id: 'a' })
    await open(1, { id: 'b', asn: 64_501 })
    const { registry } = await rounds(0, 3, 'restarted')
    const text = await registry.metrics()
    expect(text).toContain('halfshake_alerts_firing 2')
    expect(text).toContain('halfshake_alerts_silenced 1')
    expect(text).toContain('halfshake_notifications_held_back{receiver="ops"} 1')
  })
})
