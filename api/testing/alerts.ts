import { dateTime } from '../queries/causes.ts'

/** A row of the table `alerts`: one that fires for AS64500. Times in seconds since 1970; every field can be given. */
export function alertRow(given: Record<string, unknown> & { fired_at: number }) {
  return {
    id: 'alert',
    rule: 'any-network-diverges',
    severity: 'critical',
    state: 'firing',
    kind: 'divergence',
    scope: 'network',
    asn: 64_500,
    label: '',
    prefix: '',
    site: '',
    incident: 'i',
    started_at: given.fired_at - 180,
    resolved_at: 0,
    resolution: '',
    value: 0.41,
    threshold: 0.006,
    explanation: 'AS64500: 41 %',
    receivers: ['ops'],
    minute: given.fired_at,
    version: 1,
    ...given,
  }
}

/** A row of the table `notifications`: one that was delivered. Times in ms since 1970; every field can be given. */
export function notificationRow(given: Record<string, unknown> & { created_at: number }) {
  return {
    id: 'message',
    receiver: 'ops',
    rule: 'any-network-diverges',
    group_key: `group of ${given['id'] ?? 'message'}`,
    number: 1,
    status: 'firing',
    alerts: ['alert'],
    minute: Math.floor(given.created_at / 60_000) * 60,
    message: JSON.stringify({ title: 'CRITICAL: AS64500' }),
    state: 'delivered',
    attempts: 1,
    next_attempt_at: dateTime(given.created_at + 1_000),
    answer: '200 ok',
    version: 1,
    ...given,
    created_at: dateTime(given.created_at),
  }
}

/** A row of the table `notification_attempts`; `at` in ms since 1970. */
export function attemptRow(given: Record<string, unknown> & { at: number }) {
  return {
    notification: 'message',
    receiver: 'ops',
    attempt: 1,
    milliseconds: 12,
    result: 'delivered',
    answer: '200 ok',
    ...given,
    at: dateTime(given.at),
  }
}
