import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashToken } from '../core/runtime/tokens.ts'
import type { EmbeddedStore } from '../core/store/embedded.ts'
import { interfaceOf } from '../core/store/http-interface/testing.ts'
import { createServerStore } from '../core/store/server.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, silent, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import type { Message } from './message.ts'
import { createWebhookReceiver } from './receivers/webhook.ts'
import { DIVERGENCE, incidentOf, ruleOf, whoOf } from './testing/builders.ts'
import { startReceiver } from './testing/receiver.ts'
import { createSystem, whenDue } from './testing/system.ts'

const DAY = 86_400_000
const START = Math.floor(Date.now() / 60_000) * 60 - 3_600
const at = (minutes: number) => START + minutes * 60

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let engine: EmbeddedStore
let http: Awaited<ReturnType<typeof interfaceOf>>

beforeEach(async () => {
  folder = await temporaryFolder()
  engine = storeAt(folder.path)
  await engine.start()
  http = await interfaceOf(engine, {
    users: [{ name: 'halfshake', hash: hashToken('right'), access: 'admin' }],
  })
})
afterEach(async () => {
  await http.stop()
  await engine.stop()
  await folder.remove()
})

describe('alerts with the store on a ClickHouse server', () => {
  it('fire and resolve as they do with the store in the process', async () => {
    const receiver = await startReceiver()
    const store = createServerStore({
      url: http.url,
      user: 'halfshake',
      password: 'right',
      database: 'default',
      retention: { raw: 90 * DAY, minutes: 90 * DAY, hours: 400 * DAY },
      log: silent,
    })
    await store.start()
    let now = whenDue(at(0))
    const rules = [
      ruleOf({ id: 'diverges', what: DIVERGENCE }),
      ruleOf({
        id: 'prefix-fails',
        who: whoOf({ prefixes: ['192.0.2.0/23'] }),
        what: { kind: 'cause_share', cause: 'slow', above: 0.5, over_s: 60 },
        minimum_handshakes: 5,
      }),
    ]
    const webhook = createWebhookReceiver({
      name: 'ops',
      url: receiver.url,
      secret: undefined,
      now: () => now,
    })
    const system = () => createSystem({ store, rules, receivers: [webhook], clock: () => now })
    const failing = Array.from({ length: 10 }, (_, i) =>
      handshakeRow({ decided_at: at(1) * 1_000 + i, outcome: 'failed', stage: 'hello', cause: 'slow' }),
    )
    const healthy = Array.from({ length: 60 }, (_, i) =>
      handshakeRow({ decided_at: (at(2) + i * 10) * 1_000 }),
    )
    await store.write([encodeHandshakes([...failing, ...healthy])], { token: 'test' })
    await createIncidentTable(store, createChangeTable(store)).write([
      incidentOf({ opened_at: at(1), version: 1 }),
    ])
    await system().round()
    for (const minute of [1, 9]) {
      if (minute === 9)
        await createIncidentTable(store, createChangeTable(store)).write([
          incidentOf({ opened_at: at(1), closed_at: at(8), version: 2 }),
        ])
      now = whenDue(at(minute))
      await system().round()
    }
    const told = receiver.received.map(({ body }) => body as Message)
    expect(
      told.map(({ rule, status, alerts }) => [rule.id, status, alerts[0]?.asn, alerts[0]?.prefix]).sort(),
    ).toEqual([
      ['diverges', 'firing', 64_500, ''],
      ['diverges', 'resolved', 64_500, ''],
      ['prefix-fails', 'firing', 64_500, '192.0.2.0/23'],
      ['prefix-fails', 'resolved', 64_500, '192.0.2.0/23'],
    ])
    await store.stop()
    await receiver.close()
  })
})
