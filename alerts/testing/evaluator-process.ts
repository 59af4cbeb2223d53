/**
 * Evaluator and delivery as a process that can be killed at a given moment: FOLDER RECEIVER-URL NOW KILL-AT. It evaluates what is due at
 * NOW (ms), delivers it, and prints "done".
 */
import { storeAt } from '../../core/store/testing.ts'
import type { NotificationTable } from '../notification-table.ts'
import { createWebhookReceiver } from '../receivers/webhook.ts'
import { DIVERGENCE, ruleOf } from './builders.ts'
import { createSystem } from './system.ts'

const [folder = '', url = '', now = '', killAt = ''] = process.argv.slice(2)

const die = async (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

/** Dies before what is named is done; the name of a table stands for writing to it. */
const wrap = (table: NotificationTable): NotificationTable => ({
  ...table,
  add: (messages) => (killAt === 'queueing' && messages.length > 0 ? die() : table.add(messages)),
  due: (...about) => (killAt === 'sending' ? die() : table.due(...about)),
  record: (...about) => (killAt === 'recording' ? die() : table.record(...about)),
})

const store = storeAt(folder)
await store.start()
const clock = () => Number(now)
const system = createSystem({
  store: {
    ...store,
    insert: (table, rows) => (killAt === table ? die() : store.insert(table, rows)),
  },
  rules: [ruleOf({ id: 'any-network-diverges', what: DIVERGENCE })],
  receivers: [createWebhookReceiver({ name: 'ops', url, secret: undefined, now: clock })],
  clock,
  wrap,
})
await system.round()
await store.stop()
console.log('done')
