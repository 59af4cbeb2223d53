import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import type { Alert } from './alert.ts'
import { createAlertTable } from './alert-table.ts'
import { backtest } from './backtest.ts'
import type { Message } from './message.ts'
import { createCountReader } from './read-counts.ts'
import { createWebhookReceiver } from './receivers/webhook.ts'
import type { Rule } from './rule.ts'
import { DIVERGENCE, incidentOf, ruleOf, whoOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'

const SECRET = 'a secret of the test'
const NOW = Math.floor(Date.now() / 60_000) * 60
const at = (minutes: number) => NOW + minutes * 60

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
    'alerts',
    'alert_progress',
    'notifications',
    'notification_attempts',
    'minutes_by_network',
    'minutes_by_prefix',
    'handshakes',
  ])
    await store.command(`TRUNCATE TABLE ${table}`)
})
afterEach(() => receiver.close())

const rule = ruleOf({ id: 'any-network-diverges', summary: 'A network diverges.', what: DIVERGENCE })

function system(rules: readonly Rule[] = [rule], options: Partial<Parameters<typeof createSystem>[0]> = {}) {
  const webhook = createWebhookReceiver({ name: 'ops', url: receiver.url, secret: SECRET, now: () => now })
  return createSystem({ store, rules, receivers: [webhook], clock: () => now, ...options })
}

/** As if the process had been restarted after every round. */
async function restartedRound(minute: number, rules?: readonly Rule[]): Promise<void> {
  now = whenDue(minute)
  await system(rules).round()
}

async function write(...incidents: Incident[]): Promise<void> {
  await createIncidentTable(store, createChangeTable(store)).write(incidents)
}

const messages = () => receiver.received.map(({ body }) => body as Message)
const brief = () => messages().map(({ status, alerts }) => [status, alerts.length])

async function rowsOf<Row>(table: string, order = 'id'): Promise<Row[]> {
  return store.query<Row>(`SELECT * FROM ${table} FINAL ORDER BY ${order}`)
}

describe('an incident of the detector', () => {
  it('is told when it opens and when it closes, once each, though every round is a new process', async () => {
    await restartedRound(at(0))
    await write(incidentOf({ opened_at: at(1), version: 1 }))
    for (const minute of [1, 2, 3, 4]) await restartedRound(at(minute))
    await write(incidentOf({ opened_at: at(1), closed_at: at(5), version: 2 }))
    for (const minute of [5, 6, 7]) await restartedRound(at(minute))
    expect(brief()).toEqual([
      ['firing', 1],
      ['resolved', 1],
    ])
    expect(new Set(messages().map(({ id }) => id)).size).toBe(2)
    expect(await rowsOf('alerts')).toMatchObject([{ state: 'resolved', rule: 'any-network-diverges' }])
    expect(await rowsOf('notifications', 'number')).toMatchObject([
      { state: 'delivered', attempts: 1, answer: '200 ok' },
      { state: 'delivered', attempts: 1 },
    ])
    expect(await rowsOf('notification_attempts', 'at')).toHaveLength(2)
  })

  it('is told with name, figures, cause, what to do and links, signed', async () => {
    await store.write([
      encodeHandshakes(
        Array.from({ length: 10 }, (_, i) =>
          handshakeRow({
            decided_at: at(0) * 1_000 + i,
            client: BigInt(i),
            prefix: `192.0.${i % 3}.0/24`,
            ...(i < 4 && {
              outcome: 'failed',
              stage: 'connected',
              cause: 'mtu_inbound',
              evidence: '1 segment out of order, 0 bytes read',
            }),
          }),
        ),
      ),
    ])
    await write(incidentOf({ opened_at: at(0), onset: at(0) }))
    await restartedRound(at(0))
    const [request] = receiver.received
    const { t, v1 } = Object.fromEntries(
      String(request?.headers['halfshake-signature'])
        .split(',')
        .map((part) => part.split('=')),
    ) as { t: string; v1: string }
    expect(v1).toBe(createHmac('sha256', SECRET).update(`${t}.${request?.text}`).digest('hex'))
    expect(Number(t)).toBe(Math.floor(now / 1_000))
    expect(request?.headers['idempotency-key']).toBe(messages()[0]?.id)
    expect(messages()[0]).toMatchObject({
      status: 'firing',
      rule: { id: 'any-network-diverges', severity: 'warning' },
      title: "WARNING: AS64500 Example Net: 41 % of clients' handshakes fail (mtu_inbound)",
      alerts: [
        {
          network: 'Example Net',
          completed: 6,
          failed: 4,
          success_rate: 0.6,
          failing_prefixes: 3,
          failing_clients: 4,
          expected_failure_rate: 0.006,
          cause: {
            name: 'mtu_inbound',
            share: 0.92,
            evidence: '1 segment out of order, 0 bytes read',
            advice: expect.stringContaining('ICMP'),
          },
          links: {
            page: 'https://halfshake.example.com/#/networks/AS64500',
            dashboard: `https://grafana.example.com/d/network?var-asn=64500&from=${at(-60) * 1_000}&to=now`,
            network: 'https://halfshake.example.com/v1/networks/64500',
            causes: expect.stringContaining('/v1/networks/64500/causes?from='),
            incident: 'https://halfshake.example.com/v1/divergences/incident-1',
          },
        },
      ],
    })
    expect(messages()[0]?.text).toMatch(
      /4 of 10 handshakes failed, of 4 clients in 3 prefixes[\s\S]*What to do:/,
    )
  })

  it('is one message for fifty prefixes of one network, and one resolved', async () => {
    const prefixes = (closed_at: number) =>
      Array.from({ length: 50 }, (_, i) =>
        incidentOf({
          id: `p${i}`,
          scope: 'prefix',
          prefix: `192.0.${i}.0/24`,
          opened_at: at(0),
          closed_at,
          version: 1 + closed_at,
        }),
      )
    await write(...prefixes(0))
    await restartedRound(at(0))
    await restartedRound(at(1))
    await write(...prefixes(at(2)))
    await restartedRound(at(2))
    expect(brief()).toEqual([
      ['firing', 50],
      ['resolved', 50],
    ])
    expect(messages()[0]?.title).toContain('50 prefixes of AS64500')
  })

  it('that widens is told again after five minutes at the soonest, and repeated after its time', async () => {
    const one = (i: number, opened: number) =>
      incidentOf({ id: `p${i}`, scope: 'prefix', prefix: `192.0.${i}.0/24`, opened_at: at(opened) })
    await write(one(0, 0))
    await restartedRound(at(0))
    await write(one(1, 1))
    for (const minute of [1, 2, 3, 4]) await restartedRound(at(minute))
    expect(brief()).toEqual([['firing', 1]])
    await restartedRound(at(5))
    expect(brief()).toEqual([
      ['firing', 1],
      ['firing', 2],
    ])
    await restartedRound(at(244))
    expect(messages()).toHaveLength(2)
    await restartedRound(at(246))
    expect(messages()[2]).toMatchObject({ repeated: true, status: 'firing' })
  })

  it('that comes and goes between two messages about its group is told in the second', async () => {
    const one = (i: number, opened: number, closed = 0) =>
      incidentOf({
        id: `p${i}`,
        scope: 'prefix',
        prefix: `192.0.${i}.0/24`,
        opened_at: at(opened),
        closed_at: closed === 0 ? 0 : at(closed),
        version: 1 + closed,
      })
    await write(one(0, 0))
    await restartedRound(at(0))
    await write(one(1, 1))
    await restartedRound(at(1))
    await write(one(1, 1, 3))
    for (const minute of [3, 4, 5, 6, 7]) await restartedRound(at(minute))
    expect(messages().map(({ alerts }) => alerts.map(({ prefix, status }) => [prefix, status]))).toEqual([
      [['192.0.0.0/24', 'firing']],
      [
        ['192.0.0.0/24', 'firing'],
        ['192.0.1.0/24', 'resolved'],
      ],
    ])
  })

  it('that came and went while the evaluator was away is told as over, once', async () => {
    await restartedRound(at(0))
    await write(incidentOf({ opened_at: at(3), closed_at: at(20) }))
    await restartedRound(at(60))
    await restartedRound(at(61))
    expect(messages()).toMatchObject([
      {
        status: 'resolved',
        alerts: [{ fired_at: new Date(at(3) * 1_000).toISOString().replace('.000', '') }],
      },
    ])
  })

  it('of the whole world is one alert', async () => {
    await write(
      incidentOf({
        scope: 'world',
        kind: 'our_side',
        asn: 0,
        opened_at: at(0),
        members: ['AS64500', 'AS64501'],
      }),
    )
    await restartedRound(at(0))
    expect(messages()).toMatchObject([{ alerts: [{ kind: 'our_side', scope: 'world' }] }])
  })
})

describe('what fires', () => {
  it('is resolved for its receivers when its rule is taken away', async () => {
    await write(incidentOf({ opened_at: at(0) }))
    await restartedRound(at(0))
    await restartedRound(at(1), [])
    expect(messages()).toMatchObject([
      { status: 'firing' },
      { status: 'resolved', alerts: [{ resolution: 'rule_removed' }] },
    ])
  })

  it('is judged from the rollups, too, the same in one go after a pause', async () => {
    const low = ruleOf({
      id: 'low',
      what: { kind: 'success_rate', below: 0.9, over_s: 120 },
      for_s: 180,
      minimum_handshakes: 20,
    })
    const rows = Array.from({ length: 16 }, (_, minute) =>
      Array.from({ length: 30 }, (_, i) =>
        handshakeRow({
          decided_at: (at(minute) + i) * 1_000,
          ...(minute >= 3 && minute < 8 && i < 12 && { outcome: 'failed', stage: 'hello', cause: 'slow' }),
        }),
      ),
    )
    await store.write([encodeHandshakes(rows.flat())])
    await restartedRound(at(0), [low])
    for (let minute = 1; minute < 16; minute += 1) await restartedRound(at(minute), [low])
    const step = await rowsOf<{ id: string }>('alerts')
    await store.command('TRUNCATE TABLE alerts')
    await store.command('TRUNCATE TABLE alert_progress')
    await restartedRound(at(0), [low])
    await restartedRound(at(15), [low])
    const leap = await rowsOf<{ id: string }>('alerts')
    expect(step).toMatchObject([{ state: 'resolved' }])
    expect(leap).toEqual(step)
    expect(messages()).toMatchObject([{ status: 'firing' }, { status: 'resolved' }])
  })

  it('is what the backtest says of the same history, minute for minute', async () => {
    const rules = [
      ruleOf({
        id: 'low',
        what: { kind: 'success_rate', below: 0.9, over_s: 120 },
        for_s: 120,
        minimum_handshakes: 20,
      }),
      ruleOf({
        id: 'cause',
        what: { kind: 'cause_share', cause: 'slow', above: 0.2, over_s: 60 },
        minimum_handshakes: 5,
      }),
      ruleOf({ id: 'silent', what: { kind: 'no_data' }, who: whoOf({ asns: [64_501] }), for_s: 120 }),
      ruleOf({ id: 'little', what: { kind: 'volume', below: 40, above: undefined, over_s: 60 }, for_s: 60 }),
      { ...rule, for_s: 120 },
    ]
    // Made up by a rule of its own, so that every condition is met and left several times.
    const rows = Array.from({ length: 50 }, (_, minute) => [
      ...Array.from({ length: 30 }, (_, i) =>
        handshakeRow({
          decided_at: (at(minute) + i) * 1_000,
          ...((minute * 7) % 22 < 9 && i < 9 && { outcome: 'failed', stage: 'hello', cause: 'slow' }),
        }),
      ),
      ...Array.from({ length: minute % 17 < 9 ? 15 : 0 }, (_, i) =>
        handshakeRow({ asn: 64_501, decided_at: (at(minute) + i) * 1_000 }),
      ),
    ])
    await store.write([encodeHandshakes(rows.flat())])
    const incidents = [
      incidentOf({ opened_at: at(4), closed_at: at(12) }),
      incidentOf({ id: 'short', asn: 64_502, opened_at: at(20), closed_at: at(21) }),
      incidentOf({ id: 'open', asn: 64_503, opened_at: at(30) }),
    ]
    // Live, each is seen first as open, a minute late, and later as closed.
    const seen = (minute: number) =>
      incidents
        .filter(({ opened_at }) => opened_at < at(minute))
        .map((incident) => {
          const closed = incident.closed_at > 0 && incident.closed_at < at(minute)
          return closed
            ? { ...incident, version: 2 }
            : { ...incident, state: 'open' as const, closed_at: 0, version: 1 }
        })
    for (let minute = 0; minute < 50; minute += 1) {
      const known = seen(minute)
      if (known.length > 0) await write(...known)
      await restartedRound(at(minute), rules)
    }
    const live = await createAlertTable(store).read(
      (await rowsOf<{ id: string }>('alerts')).map(({ id }) => id),
    )
    const tested = await backtest({
      rules,
      readCounts: createCountReader(store, { rawKeptMs: 14 * 86_400_000, clock: () => now }),
      incidents,
      from: at(0),
      to: at(50),
    })
    const short = (alerts: readonly Alert[]) =>
      alerts
        .map(({ id, rule, state, started_at, fired_at, resolved_at }) => ({
          id,
          rule,
          state,
          started_at,
          fired_at,
          resolved_at,
        }))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(new Set(live.map((alert) => alert.rule)).size).toBe(5)
    expect(live.length).toBeGreaterThan(8)
    expect(short(tested)).toEqual(short(live))
  })
})

describe('the queue of messages', () => {
  it('loses nothing while a receiver is down, keeps the order, and shows what was answered', async () => {
    receiver.answerWith(503)
    await write(incidentOf({ opened_at: at(0), version: 1 }))
    await restartedRound(at(0))
    await write(incidentOf({ opened_at: at(0), closed_at: at(5), version: 2 }))
    await restartedRound(at(5))
    await restartedRound(at(6))
    expect(new Set(messages().map(({ id }) => id)).size).toBe(1)
    expect(await rowsOf('notifications', 'number')).toMatchObject([
      { number: 1, state: 'queued', attempts: 3, answer: '503 not now' },
      { number: 2, state: 'queued', attempts: 0 },
    ])
    receiver.answerWith(200)
    receiver.received.length = 0
    await restartedRound(at(15))
    expect(messages().map(({ status }) => status)).toEqual(['firing', 'resolved'])
    expect(await rowsOf('notification_attempts', 'at')).toMatchObject([
      { result: 'unreachable', answer: '503 not now' },
      { result: 'unreachable' },
      { result: 'unreachable' },
      { result: 'delivered', answer: '200 ok' },
      { result: 'delivered', answer: '200 ok' },
    ])
  })

  it('does not hold up other networks when one message is refused', async () => {
    receiver.answerWith(400)
    await write(incidentOf({ opened_at: at(0) }), incidentOf({ id: 'two', asn: 64_501, opened_at: at(0) }))
    await restartedRound(at(0))
    expect(
      messages()
        .map(({ alerts }) => alerts[0]?.asn)
        .sort(),
    ).toEqual([64_500, 64_501])
  })
})
