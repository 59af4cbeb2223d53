import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAlertTable } from '../alerts/alert-table.ts'
import { backtest } from '../alerts/backtest.ts'
import { createCountReader } from '../alerts/read-counts.ts'
import { createSystem, whenDue } from '../alerts/testing/system.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshake } from './testing/handshakes.ts'
import { openStore, serveApi } from './testing/server.ts'

const MINUTES = 40
const START = Math.floor(Date.now() / 60_000) * 60 - (MINUTES + 20) * 60
const at = (minutes: number) => START + minutes * 60
const NOW = at(MINUTES + 10) * 1_000

const LOW = {
  id: 'low',
  who: { asn: 64_500 },
  what: { success_rate: { below: '90 %', over: '2m' } },
  for: '2m',
  minimum_handshakes: 20,
}
const CAUSE = {
  id: 'cause',
  who: { any: true },
  what: { cause_share: { cause: 'mtu_inbound', above: '20 %', over: '1m' } },
  minimum_handshakes: 5,
}
const SILENT = { id: 'silent', who: { asn: 64_501 }, what: { no_data: {} }, for: '2m' }
const RULES = [LOW, CAUSE, SILENT]

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>

beforeAll(async () => {
  opened = await openStore()
  // Made up by a rule of its own, so that every condition is met and left several times.
  const rows = Array.from({ length: MINUTES }, (_, minute) => [
    ...Array.from({ length: 30 }, (_, i) =>
      handshake({
        decided_at: (at(minute) + i) * 1_000,
        ...(minute % 14 < 6 && i < 9 && { outcome: 'failed' as const }),
      }),
    ),
    ...Array.from({ length: minute % 17 < 9 ? 5 : 0 }, (_, i) =>
      handshake({ asn: 64_501, source: '198.51.100.7', decided_at: (at(minute) + i) * 1_000 }),
    ),
  ])
  const longBefore = handshake({ asn: 64_502, decided_at: at(-600) * 1_000 })
  await opened.store.write([encodeHandshakes([longBefore, ...rows.flat()])])
  api = await serveApi({ store: opened.store, now: NOW })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})
beforeEach(() => opened.store.command('TRUNCATE TABLE alert_rules'))

type Line = {
  progress?: number
  doing?: string
  problem?: { type: string }
  result?: {
    from: string
    to: string
    rules: { id: string; alerts: number; a_day: number }[]
    alerts: Record<string, unknown>[]
  }
}

async function ask(body: unknown, signal?: AbortSignal) {
  const response = await fetch(`${api.url}/v1/rules/backtest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
  const text = await response.text()
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
  return { status: response.status, headers: response.headers, lines, result: lines.at(-1)?.result }
}
const WINDOW = { from: String(at(0) * 1_000), to: String(at(MINUTES) * 1_000) }

describe('POST /v1/rules/backtest', () => {
  test('says of one history what live evaluation says, and what the command says', async () => {
    const { status, headers, result, lines } = await ask({ rules: RULES, ...WINDOW })
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    expect(lines.slice(0, -1).every(({ progress = -1 }) => progress >= 0 && progress <= 1)).toBe(true)
    const rules = RULES.map((rule) => {
      const parsed = api.rules.parse(rule)
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.mistakes))
      return parsed.rule
    })
    let now = 0
    const system = createSystem({ store: opened.store, rules, receivers: [], clock: () => now })
    for (let minute = 0; minute < MINUTES; minute += 1) {
      now = whenDue(at(minute))
      await system.round()
    }
    const ids = await opened.store.query<{ id: string }>('SELECT DISTINCT id FROM alerts')
    const live = await createAlertTable(opened.store).read(ids.map(({ id }) => id))
    const facts = ['id', 'rule', 'state', 'started_at', 'fired_at', 'resolved_at'] as const
    const iso = (seconds: number) => new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
    const liveTold = live.map((alert) => ({
      id: alert.id,
      rule: alert.rule,
      state: alert.state,
      started_at: iso(alert.started_at),
      fired_at: iso(alert.fired_at),
      resolved_at: alert.resolved_at === 0 ? null : iso(alert.resolved_at),
    }))
    const byId = (a: { id?: unknown }, b: { id?: unknown }) => (String(a.id) < String(b.id) ? -1 : 1)
    const tested = result?.alerts.map((alert) => Object.fromEntries(facts.map((fact) => [fact, alert[fact]])))
    expect(live.length).toBeGreaterThan(6)
    expect(new Set(live.map(({ rule }) => rule)).size).toBe(3)
    expect(tested?.sort(byId)).toEqual(liveTold.sort(byId))
    const direct = await backtest({
      rules,
      readCounts: createCountReader(opened.store, { rawKeptMs: 14 * 86_400_000, clock: () => NOW }),
      incidents: [],
      from: at(0),
      to: at(MINUTES),
    })
    expect(direct.map(({ id }) => id)).toEqual(result?.alerts.map(({ id }) => id))
  })

  test('counts alerts by rule and day, says how long each was, and writes nothing', async () => {
    const count = () =>
      opened.store.query<{ n: number }>(
        "SELECT sum(total_rows) AS n FROM system.tables WHERE database = currentDatabase() AND name LIKE '%alert%'",
      )
    const before = await count()
    const { result } = await ask({ rules: [LOW], ...WINDOW })
    const own = result?.alerts.length ?? 0
    expect(result).toMatchObject({
      from: new Date(at(0) * 1_000).toISOString().replace('.000Z', 'Z'),
      rules: [{ id: 'low', alerts: own }],
    })
    expect(result?.rules[0]?.a_day).toBeCloseTo(own / (MINUTES / 1_440), 6)
    const first = result?.alerts.find(({ state }) => state === 'resolved')
    const length =
      (Date.parse(String(first?.['resolved_at'])) - Date.parse(String(first?.['fired_at']))) / 1_000
    expect(first?.['seconds']).toBe(length)
    expect(await count()).toEqual(before)
  })

  test('takes rules by id, stored and shipped, replaying the detector', async () => {
    await api.get('/v1/rules', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(LOW),
    })
    const { result } = await ask({ rules: ['low', 'any-network-diverges'], ...WINDOW })
    expect(result?.rules.map(({ id }) => id)).toEqual(['low', 'any-network-diverges'])
    expect(result?.rules[0]?.alerts).toBeGreaterThan(0)
  })

  test('refuses what is not allowed, with every mistake', async () => {
    const problem = async (body: unknown) => {
      const { status, lines } = await ask(body)
      return [status, lines[0]]
    }
    expect(await problem({ rules: ['nobody', { id: 'x', who: {}, what: {} }, LOW, LOW] })).toMatchObject([
      400,
      {
        type: '/problems/bad-rule',
        errors: [
          { field: 'rules[0]', message: 'no rule nobody is in force' },
          { field: 'rules[1].who' },
          { field: 'rules[1].what' },
          { field: 'rules[3].id', message: 'low is given twice' },
        ],
      },
    ])
    expect(await problem({ rules: [], from: 'yesterday' })).toMatchObject([
      400,
      { errors: [{ field: 'rules' }, { field: 'from' }] },
    ])
    expect(await problem({ rules: [LOW], from: '-1h', to: '-2h' })).toMatchObject([
      400,
      { errors: [{ field: 'from' }] },
    ])
  })

  test('is one at a time, lets others be answered, and ends when the client leaves', async () => {
    // A store so slow that the test is there to see; an hour of counts is one query.
    let asked = 0
    const store = {
      insert: opened.store.insert,
      async query<Row>(sql: string, parameters?: Parameters<typeof opened.store.query>[1]): Promise<Row[]> {
        if (/minutes_by_network[\s\S]*sumMapIf|sumMapIf[\s\S]*minutes_by_network/.test(sql)) {
          asked += 1
          await new Promise((resolve) => setTimeout(resolve, 300))
        }
        return opened.store.query<Row>(sql, parameters)
      },
    }
    const server = await serveApi({ store, now: NOW })
    const init = (from: number, signal?: AbortSignal) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rules: [LOW], ...WINDOW, from: String(at(from) * 1_000) }),
      ...(signal && { signal }),
    })
    const leaving = new AbortController()
    expect((await fetch(`${server.url}/v1/rules/backtest`, init(-600, leaving.signal))).status).toBe(200)
    const second = await server.get('/v1/rules/backtest', init(0))
    expect([second.status, second.body]).toMatchObject([429, { type: '/problems/backtest-running' }])
    expect((await server.get('/v1/rules')).status).toBe(200)
    leaving.abort()
    const before = asked
    let again = second
    for (let i = 0; i < 500 && again.status === 429; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      again = await server.get('/v1/rules/backtest', init(0))
    }
    await server.close()
    expect(String(again.body)).toContain('"result"')
    // Of eleven hours at most the one that was begun, and the one of the test after it.
    expect(asked - before).toBeLessThanOrEqual(3)
  })
})

describe('a backtest that fails half-way', () => {
  test('ends with the problem', async () => {
    const store = {
      insert: opened.store.insert,
      async query<Row>(sql: string, parameters?: Parameters<typeof opened.store.query>[1]): Promise<Row[]> {
        if (/sumMapIf/.test(sql)) throw new Error('broken')
        return opened.store.query<Row>(sql, parameters)
      },
    }
    const server = await serveApi({ store, now: NOW })
    const { status, body } = await server.get('/v1/rules/backtest', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rules: [LOW], ...WINDOW }),
    })
    await server.close()
    const lines = String(body).trim().split('\n')
    expect([status, JSON.parse(lines.at(-1) ?? '')]).toMatchObject([
      200,
      { problem: { type: '/problems/internal', status: 500 } },
    ])
  })
})
