import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HandshakeRow } from '../core/store/handshake-row.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import type { Alert } from './alert.ts'
import { createAlertTable } from './alert-table.ts'
import { backtest } from './backtest.ts'
import { lensKey } from './counts.ts'
import type { Message } from './message.ts'
import { createCountReader } from './read-counts.ts'
import { createWebhookReceiver } from './receivers/webhook.ts'
import type { Rule } from './rule.ts'
import { ruleOf, whoOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'
import { askedOf, lensOf } from './window.ts'

const NOW = Math.floor(Date.now() / 60_000) * 60
const at = (minutes: number) => NOW + minutes * 60
const RAW_KEPT = 14 * 86_400_000

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>
let receiver: Awaited<ReturnType<typeof startReceiver>>
let now = 0

beforeAll(async () => {
  folder = await temporaryFolder()
  store = storeAt(folder.path)
  receiver = await startReceiver()
  await store.start()
})
afterAll(async () => {
  await receiver.close()
  await store.stop()
  await folder.remove()
})
beforeEach(async () => {
  receiver.received.length = 0
  const rollups = ['minutes_by_network', 'minutes_by_prefix', 'handshakes']
  for (const table of [...rollups, 'alerts', 'alert_progress', 'notifications', 'notification_attempts'])
    await store.command(`TRUNCATE TABLE ${table}`)
})

const reader = (rawKeptMs = RAW_KEPT) => createCountReader(store, { rawKeptMs, clock: () => now })
const write = (rows: readonly HandshakeRow[]) => store.write([encodeHandshakes(rows)])

async function round(minute: number, rules: readonly Rule[]): Promise<void> {
  now = whenDue(at(minute))
  const webhook = createWebhookReceiver({ name: 'ops', url: receiver.url, secret: undefined, now: () => now })
  await createSystem({ store, rules, receivers: [webhook], clock: () => now }).round()
}

async function stored(): Promise<Alert[]> {
  const rows = await store.query<{ id: string }>('SELECT id FROM alerts FINAL ORDER BY id')
  return createAlertTable(store).read(rows.map(({ id }) => id))
}

const short = (alerts: readonly Alert[]) =>
  alerts
    .map(({ id, rule, state, value, started_at, fired_at, resolved_at }) => ({
      ...{ id, rule, state, value },
      ...{ started: (started_at - NOW) / 60, fired: (fired_at - NOW) / 60 },
      resolved: resolved_at === 0 ? 0 : (resolved_at - NOW) / 60,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))

const forgetAlerts = async () => {
  for (const table of ['alerts', 'alert_progress', 'notifications'])
    await store.command(`TRUNCATE TABLE ${table}`)
}

/** Twenty minutes of two agents and three names; fra-1 fails from 4 to 9 and is silent from 12 to 16, shop is not asked for from 6 to 10. */
const history = Array.from({ length: 20 }, (_, minute) =>
  Array.from({ length: 40 }, (_, i) => {
    const agent = i % 2 === 0 ? 'fra-1' : 'fra-2'
    const name = ['shop.example.com', 'API.example.com', 'example.org'][i % 3]
    const slow = minute >= 3 && minute < 7 ? 900 + i : 100 + i
    const bad = agent === 'fra-1' && minute >= 4 && minute < 9 && i < 20
    return { agent, name, minute, i, slow, bad }
  })
    .filter(({ agent, name }) => agent !== 'fra-1' || minute < 12 || minute >= 16 || name === undefined)
    .filter(({ name }) => name !== 'shop.example.com' || minute < 6 || minute >= 10)
    .map(({ agent, name = '', i, slow, bad }) =>
      handshakeRow({
        ...{ agent, server_name: name, site: 'fra', decided_at: (at(minute) + i) * 1_000 },
        ...{ prefix: `192.0.${i % 2}.0/24`, client: BigInt(i), handshake_ms: slow },
        ...(bad && { outcome: 'failed', stage: 'hello', cause: 'slow', handshake_ms: 10_000 }),
      }),
    ),
).flat()

const rate = { kind: 'success_rate', below: 0.9, over_s: 120 } as const
const RULES = [
  ruleOf({ id: 'agent', what: rate, who: whoOf({ any: true, agents: ['fra-1'] }), minimum_handshakes: 5 }),
  ruleOf({ id: 'other', what: rate, who: whoOf({ any: true, agents: ['fra-2'] }), minimum_handshakes: 5 }),
  ruleOf({
    ...{ id: 'name', what: rate, minimum_handshakes: 5 },
    who: whoOf({ asns: [64_500], server_names: ['*.example.com'] }),
  }),
  ruleOf({
    ...{ id: 'prefix', what: rate, minimum_handshakes: 5 },
    who: whoOf({ prefixes: ['192.0.0.0/24'], agents: ['fra-1'] }),
  }),
  ruleOf({
    ...{ id: 'silent-agent', what: { kind: 'no_data' }, for_s: 120 },
    who: whoOf({ any: true, agents: ['fra-1'] }),
  }),
  ruleOf({
    ...{ id: 'silent-name', what: { kind: 'no_data' }, for_s: 120 },
    who: whoOf({ any: true, server_names: ['shop.example.com'] }),
  }),
  ruleOf({ id: 'slow', what: { kind: 'handshake_time', quantile: 'p50', above_ms: 500, over_s: 180 } }),
  ruleOf({
    ...{ id: 'slow-name', what: { kind: 'handshake_time', quantile: 'p95', above_ms: 500, over_s: 120 } },
    who: whoOf({ any: true, server_names: ['api.example.com'] }),
  }),
]

describe('rules by agent, by server name and on handshake times', () => {
  it('give the same live, after a pause, and in the backtest', async () => {
    await write(history)
    for (let minute = 0; minute < 20; minute += 1) await round(minute, RULES)
    const live = short(await stored())
    expect(live.map(({ rule }) => rule).sort()).toEqual(
      ['agent', 'name', 'prefix', 'silent-agent', 'silent-name', 'slow', 'slow-name'].sort(),
    )
    const times = Object.fromEntries(live.map(({ rule, started, resolved }) => [rule, [started, resolved]]))
    expect(times).toMatchObject({ 'silent-agent': [12, 17], 'silent-name': [6, 11] })
    const alone = await backtest({
      rules: RULES,
      readCounts: reader(),
      incidents: [],
      from: at(0),
      to: at(20),
    })
    expect(short(alone)).toEqual(live)
    await forgetAlerts()
    await round(0, RULES)
    await round(19, RULES)
    expect(short(await stored())).toEqual(live)
  }, 60_000)

  it('say in their messages what they look at, with its figures alone', async () => {
    await write(history)
    const rules = RULES.filter(({ id }) => id === 'agent' || id === 'slow')
    for (const minute of [3, 4, 5, 6]) await round(minute, rules)
    const messages = receiver.received.map(({ body }) => body as Message)
    const [agent, slow] = ['agent', 'slow'].map((id) => messages.find(({ rule }) => rule.id === id))
    const first = agent?.alerts[0]
    expect(first).toMatchObject({ narrowed_to: 'agent fra-1', failing_prefixes: 1, cause: { name: 'slow' } })
    expect(first?.explanation).toMatch(/^AS64500 Example Net \(agent fra-1\): success rate \d+ %, below 90 %/)
    const all = history.filter(
      ({ agent: by, decided_at }) =>
        by === 'fra-1' && decided_at >= at(4) * 1_000 && decided_at < at(5) * 1_000,
    )
    expect((first?.completed ?? 0) + (first?.failed ?? 0)).toBe(all.length)
    expect(slow?.alerts[0]).toMatchObject({ kind: 'handshake_time', threshold: 500 })
    expect(slow?.text).toMatch(/half of the handshakes take 9\d\d ms or longer, above 500 ms since/)
  })

  it('are not judged for minutes whose handshakes are kept no longer', async () => {
    await write(history)
    now = at(20) * 1_000
    const from = (rawKeptMs: number) =>
      backtest({ rules: RULES, readCounts: reader(rawKeptMs), incidents: [], from: at(0), to: at(20) })
    const kept = (await from(10 * 60_000)).map(({ rule }) => rule)
    // What began before is not seen; what is judged from rollups is, and what fell silent later.
    expect(kept.sort()).toEqual(['silent-agent', 'slow'])
  })
})

describe('what is read', () => {
  it.each([
    ['shop.example.com', ['shop.example.com'], 1],
    ['SHOP.Example.com', ['shop.example.com'], 1],
    ['a.shop.example.com', ['shop.example.com'], 0],
    ['shop.example.com', ['*.example.com'], 1],
    ['a.b.shop.example.com', ['*.example.com'], 1],
    ['example.com', ['*.example.com'], 0],
    ['badexample.com', ['*.example.com'], 0],
    ['', ['*.example.com', 'a'], 0],
    [`${'a.'.repeat(120)}example.com`, ['*.example.com', '*.com', '*.a.example.com'], 1],
  ])('of handshakes for %s by %j: %i', async (server_name, server_names, expected) => {
    now = at(1) * 1_000
    await write([handshakeRow({ server_name, decided_at: at(0) * 1_000 })])
    const rule = ruleOf({ what: rate, who: whoOf({ any: true, server_names }) })
    const counts = await reader()(at(0), at(1), askedOf([rule]))
    expect(counts.at(-1)?.single?.networks.length).toBe(expected)
  })

  it('of times is the quantile of the completed handshakes in all minutes taken together', async () => {
    now = at(30) * 1_000
    const took = (minute: number, i: number) => ((minute * 37 + i * 101) % 400) + minute * 20
    const rows = Array.from({ length: 15 }, (_, minute) =>
      Array.from({ length: 60 }, (_, i) =>
        handshakeRow({
          ...{ decided_at: (at(minute) + i) * 1_000, handshake_ms: took(minute, i) },
          ...(i >= 50 && { outcome: 'failed', stage: 'hello', cause: 'slow', handshake_ms: 10_000 }),
          ip_version: i % 2 === 0 ? 4 : 6,
        }),
      ),
    ).flat()
    await write(rows)
    const what = { kind: 'handshake_time', quantile: 'p50', above_ms: 1, over_s: 300 } as const
    for (const who of [
      whoOf({ any: true, ip_version: 6 }),
      whoOf({ any: true, agents: ['edge-1'], ip_version: 6 }),
    ]) {
      const rule = { ...ruleOf({ what, who }), what }
      const counts = await reader()(at(0), at(15), askedOf([rule]))
      for (const minute of [4, 9, 14]) {
        const own = rows
          .filter(({ ip_version, outcome }) => ip_version === 6 && outcome === 'completed')
          .filter(
            ({ decided_at }) => decided_at >= at(minute - 4) * 1_000 && decided_at < at(minute + 1) * 1_000,
          )
          .map(({ handshake_ms }) => handshake_ms)
          .sort((a, b) => a - b)
        const times = counts.find((one) => one.minute === at(minute))?.times?.get(lensKey(lensOf(rule)))
        const { p50 = 0, p95 = 0 } = times?.get('64500 ') ?? {}
        expect(Math.abs(p50 - (own[Math.floor(own.length * 0.5)] ?? 0))).toBeLessThan(10)
        expect(Math.abs(p95 - (own[Math.floor(own.length * 0.95)] ?? 0))).toBeLessThan(10)
      }
    }
  })
})
