import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silent, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import type { Incident } from '../detector/incident.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { createErrorLog } from './error-log.ts'
import { createWebhookReceiver } from './receivers/webhook.ts'
import type { Rule } from './rule.ts'
import { createRuleBook } from './rule-book.ts'
import { lastRevision, readStoredRules, type StoredRule, writeStoredRule } from './stored-rules.ts'
import { incidentOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'

const NOW = Math.floor(Date.now() / 60_000) * 60
const at = (minutes: number) => NOW + minutes * 60
const DOCUMENT = { id: 'mine', who: { any: true }, what: { divergence: {} } }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: ReturnType<typeof storeAt>
let receiver: Awaited<ReturnType<typeof startReceiver>>

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
  for (const table of ['alert_rules', 'evaluation_errors', 'alerts', 'alert_progress', 'incidents'])
    await store.command(`TRUNCATE TABLE ${table}`)
})
afterEach(() => receiver.close())

const write = (given: Partial<StoredRule> = {}) =>
  writeStoredRule(store, {
    id: 'mine',
    document: JSON.stringify(DOCUMENT),
    author: 'ada',
    deleted: false,
    revision: 1,
    updated_at: NOW * 1_000,
    ...given,
  })

const errors = () =>
  store.query<{ rule: string; error: string }>('SELECT rule, error FROM evaluation_errors FINAL ORDER BY at')

/** A round of an evaluator that has just been started, with a rule book of its own. */
async function round(minute: number, broken?: string): Promise<void> {
  const clock = () => whenDue(at(minute))
  const log = createErrorLog({ store, clock, log: silent })
  const book = createRuleBook({
    folder: undefined,
    defaultRule: false,
    surroundings: { receivers: [], prefixLengths: { ipv4: 24, ipv6: 48 } },
    onUnusable: (rule, error) => log.note({ minute: at(minute), rule, error }),
    log: silent,
    registry: new Registry(),
  })
  const webhook = createWebhookReceiver({ name: 'ops', url: receiver.url, secret: undefined, now: clock })
  const rules = async () => {
    if (broken !== undefined) throw new Error(broken)
    await book.refresh(store)
    return book.rules()
  }
  await createSystem({ store, rules, errors: log, receivers: [webhook], clock }).round()
}

const open = (incident: Incident) => createIncidentTable(store, createChangeTable(store)).write([incident])
const told = () =>
  receiver.received.map(({ body }) => {
    const { status, alerts } = body as { status: string; alerts: { resolution: string }[] }
    return [status, alerts[0]?.resolution]
  })

describe('a stored rule', () => {
  it('is judged by every evaluator, and its alerts end when it is deleted', async () => {
    await write()
    await open(incidentOf({ opened_at: at(0) }))
    await round(0)
    await round(1)
    await write({ deleted: true, document: '', revision: 2 })
    await round(2)
    expect(told()).toEqual([
      ['firing', ''],
      ['resolved', 'rule_removed'],
    ])
    expect(await lastRevision(store, 'mine')).toBe(2)
  })

  it('ends its alerts when it becomes one of another condition', async () => {
    await write()
    await open(incidentOf({ opened_at: at(0) }))
    await round(0)
    const document = JSON.stringify({ ...DOCUMENT, what: { volume: { above: 1_000_000 } } })
    await write({ document, revision: 2 })
    await round(1)
    expect(told().at(-1)).toEqual(['resolved', 'rule_removed'])
  })

  it('that cannot be used is noted among the evaluation errors, and the round goes on', async () => {
    await write()
    await write({
      id: 'broken',
      document: JSON.stringify({ ...DOCUMENT, id: 'broken', receivers: 'nobody' }),
    })
    await open(incidentOf({ opened_at: at(0) }))
    await round(0)
    expect(told()).toEqual([['firing', '']])
    expect(await errors()).toEqual([
      { rule: 'broken', error: expect.stringContaining('receivers: there is no receiver nobody') },
    ])
  })

  it('is read again only when something changed', async () => {
    await write()
    const first = await readStoredRules(store, undefined)
    expect(first?.rules).toMatchObject([{ id: 'mine', updated_at: NOW * 1_000 }])
    expect(await readStoredRules(store, first?.fingerprint)).toBeUndefined()
    // Written by another process under the same revision.
    await write({ author: 'bob' })
    expect((await readStoredRules(store, first?.fingerprint))?.rules).toMatchObject([{ author: 'bob' }])
  })
})

describe('a round that fails', () => {
  it('is noted among the evaluation errors', async () => {
    await round(0, 'no rules today')
    expect(await errors()).toEqual([{ rule: '', error: 'Error: no rules today' }])
  })

  it('is a warning of readiness until one succeeds', async () => {
    let broken = true
    const rules = () =>
      broken ? Promise.reject(new Error('no rules today')) : Promise.resolve<readonly Rule[]>([])
    const { evaluator } = createSystem({ store, rules, receivers: [], clock: () => NOW * 1_000 })
    await evaluator.evaluateDue()
    await evaluator.evaluateDue()
    const since = new Date(NOW * 1_000).toISOString()
    expect(evaluator.check.check()).toEqual({
      ready: true,
      warning: `the alert rules could not be evaluated since ${since}: Error: no rules today`,
    })
    broken = false
    await evaluator.evaluateDue()
    expect(evaluator.check.check()).toEqual({ ready: true })
  })

  it('is noted when the store is back, the same one once a minute', async () => {
    let away = true
    let now = NOW * 1_000
    let written = 0
    const log = createErrorLog({
      store: {
        async insert(...row) {
          if (away) throw new Error('away')
          written += 1
          await store.insert(...row)
        },
      },
      clock: () => now,
      log: silent,
    })
    const fails = async () => {
      log.note({ minute: NOW, rule: '', error: 'away' })
      await log.flush()
    }
    await fails()
    now += 5_000
    await fails()
    expect(await errors()).toEqual([])
    away = false
    now += 60_000
    await fails()
    await log.flush()
    expect(await errors()).toHaveLength(2)
    expect(written).toBe(1)
  })
})
