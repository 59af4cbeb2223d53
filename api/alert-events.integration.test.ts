import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Alert } from '../alerts/alert.ts'
import { createAlertChangeTable } from '../alerts/alert-changes.ts'
import { createAlertTable } from '../alerts/alert-table.ts'
import { DEFAULT_LISTENING } from './change-stream.ts'
import { alertChangeSchema } from './routes/alert-events.ts'
import { alertRow } from './testing/alerts.ts'
import { openStore, serveApi } from './testing/server.ts'

const LIMITS = { ...DEFAULT_LISTENING, listeners: 3, pollMs: 20, heartbeatMs: 100 }
const PATH = '/v1/alerts/events'
const START = 1_790_000_040

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
const listening: AbortController[] = []
beforeAll(async () => {
  opened = await openStore()
})
afterAll(() => opened.close())
beforeEach(async () => {
  for (const table of ['alerts', 'alert_changes']) await opened.store.command(`TRUNCATE TABLE ${table}`)
  api = await serveApi({ store: opened.store, now: Date.now(), listening: LIMITS })
})
afterEach(async () => {
  for (const one of listening.splice(0)) one.abort()
  await api.close()
})

function alertOf(id: string, given: Partial<Alert> = {}): Alert {
  const { version: _, ...row } = alertRow({ id, fired_at: START, minute: START })
  return { ...(row as unknown as Alert), ...given }
}
const over = (id: string): Alert =>
  alertOf(id, { state: 'resolved', resolution: 'recovered', resolved_at: START + 600, minute: START + 540 })
const table = () => createAlertTable(opened.store)

type Event = { id: string; event: string; data: { id: string; change: string; state: string } }

async function listen(lastEventId?: string) {
  const abort = new AbortController()
  listening.push(abort)
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  const response = await fetch(api.url + PATH, { headers, signal: abort.signal })
  const events: Event[] = []
  const read = async () => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      events.push(...blocks.flatMap(eventOf))
    }
  }
  read().catch(() => undefined)
  return { events, status: response.status, leave: () => abort.abort() }
}

function eventOf(block: string): Event[] {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? ''
  return field('data') === ''
    ? []
    : [{ id: field('id'), event: field('event'), data: JSON.parse(field('data')) }]
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}
const brief = (events: readonly Event[]) => events.map(({ id, event, data }) => [id, event, data.id])

describe('events of alerts', () => {
  test('tell what begins, changes and ends, as it happens, each as its schema says', async () => {
    await table().write([alertOf('before')])
    const { events } = await listen()
    await table().write([alertOf('a'), alertOf('b')])
    await table().write([alertOf('a', { minute: START + 60, value: 0.6 })])
    await table().write([over('a')])
    await until(() => events.length === 4)
    expect(brief(events)).toEqual([
      ['2', 'fired', 'a'],
      ['3', 'fired', 'b'],
      ['4', 'changed', 'a'],
      ['5', 'resolved', 'a'],
    ])
    for (const { data } of events) expect(alertChangeSchema.safeParse(data).error).toBeUndefined()
  })

  test('tell the beginning of what was over before anybody could write it down', async () => {
    await table().write([over('a')])
    const { events } = await listen('0')
    await until(() => events.length === 2)
    expect(events.map(({ event, data }) => [event, data.state])).toEqual([
      ['fired', 'firing'],
      ['resolved', 'resolved'],
    ])
  })

  test('are not told again when the evaluator repeats a round, and resume after the last', async () => {
    const first = await listen()
    await table().write([alertOf('a')])
    await until(() => first.events.length === 1)
    first.leave()
    await table().write([alertOf('a')])
    await table().write([over('a')])
    await table().write([over('a')])
    const second = await listen('1')
    await table().write([alertOf('b')])
    await until(() => second.events.length >= 2)
    expect(brief(second.events)).toEqual([
      ['2', 'resolved', 'a'],
      ['3', 'fired', 'b'],
    ])
    expect((await api.get(PATH, { headers: { 'Last-Event-ID': '9' } })).status).toBe(400)
  })

  test('are all told though several evaluators write at once, the same changes and others', async () => {
    const { events } = await listen()
    const ids = Array.from({ length: 12 }, (_, i) => `alert-${i}`)
    await Promise.all(
      [0, 1, 2].map(async (evaluator) => {
        const changes = createAlertChangeTable(opened.store)
        for (const id of ids) {
          await changes.add([alertOf(id), alertOf(`${id} of ${evaluator}`)])
          await changes.add([over(id)])
        }
      }),
    )
    const told = () => new Set(events.map(({ data }) => data.change))
    await until(() => told().size === 12 * 2 + 12 * 3)
    const [row] = await opened.store.query<{ last: number; numbers: number }>(
      'SELECT max(sequence) AS last, uniqExact(sequence) AS numbers FROM alert_changes',
    )
    expect(row?.numbers, 'numbers without gaps').toBe(row?.last)
    const ended = events.filter(({ event }) => event === 'resolved').map(({ data }) => data.id)
    expect([...new Set(ended)].sort()).toEqual([...ids].sort())
  })

  test('are told where two took the same number and the reader had seen one of them', async () => {
    await table().write([alertOf('a')])
    const { events } = await listen()
    // As if another evaluator had written under the number that the next change takes, a moment before.
    const [taken] = await opened.store.query<Record<string, unknown>>('SELECT * FROM alert_changes')
    const late = {
      query: opened.store.query,
      insert: async (name: string, rows: readonly Record<string, unknown>[]) => {
        await opened.store.insert(name, [{ ...taken, sequence: 2, change: 'of another', id: 'of another' }])
        await until(() => events.some(({ data }) => data.id === 'of another'))
        await opened.store.insert(name, rows)
      },
    }
    await createAlertChangeTable(late).add([alertOf('b')])
    await until(() => events.some(({ data }) => data.id === 'b'))
    expect(brief(events).at(-1)).toEqual(['3', 'fired', 'b'])
  })
})
