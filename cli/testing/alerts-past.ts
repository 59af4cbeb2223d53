import type { Alert } from '../../alerts/alert.ts'
import { createAlertTable } from '../../alerts/alert-table.ts'
import { createSilenceTable } from '../../alerts/silence-table.ts'
import { startReceiver } from '../../alerts/testing/receiver.ts'
import type { Store } from '../../core/store/store.ts'

const HOUR = 3_600

/** An alert that fired five hours before `now` (ms) and was over an hour later, and a silence for the next of its rule. */
export async function storeEarlierAlerts(store: Store, now: number): Promise<void> {
  const minute = Math.floor(now / 60_000) * 60
  const ended: Alert = {
    ...{ id: 'ended', rule: 'partner-slow', severity: 'warning', state: 'resolved', kind: 'success_rate' },
    ...{ scope: 'network', asn: 64_500, label: 'partner', prefix: '192.0.2.0/24', site: '', incident: '' },
    ...{ started_at: minute - 5 * HOUR - 300, fired_at: minute - 5 * HOUR, resolved_at: minute - 4 * HOUR },
    ...{ resolution: 'recovered', value: 0.97, threshold: 0.95, explanation: 'It was below 95 %.' },
    ...{ receivers: [], minute: minute - 4 * HOUR },
  }
  await createAlertTable(store).write([ended])
  await createSilenceTable(store).write({
    ...{
      id: 'maintenance',
      rules: ['partner-slow'],
      severities: [],
      asns: [64_500],
      labels: [],
      prefixes: [],
      sites: [],
    },
    ...{ weekly: null, author: 'ada', reason: 'their maintenance', created_at: now, starts_at: now },
    ...{ ends_at: now + HOUR * 1_000, ended_by: '', ended_reason: '', ended_at: 0 },
  })
}

/** A webhook that refuses the first message once, and takes it then. */
export async function startReluctantReceiver() {
  const receiver = await startReceiver()
  receiver.answerWith(503)
  receiver.onRequest(() => receiver.answerWith(receiver.received.length === 1 ? 503 : 200))
  return receiver
}
