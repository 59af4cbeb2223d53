import { Counter, Gauge, type Registry } from 'prom-client'

export type EvaluatorMetrics = {
  evaluated(of: { minute: number; firing: number; ms: number }): void
  /** Alerts that fire and are silenced; messages that would be made if nothing were muted, by receiver. */
  muted(of: { silenced: number; heldBack: ReadonlyMap<string, number> }): void
  failed(): void
}

export function createEvaluatorMetrics(registry: Registry): EvaluatorMetrics {
  const registers = [registry]
  const last = new Gauge({
    name: 'halfshake_alerts_evaluated_minute_timestamp_seconds',
    help: 'Start of the minute that the alert rules were evaluated for last.',
    registers,
  })
  const seconds = new Counter({
    name: 'halfshake_alerts_evaluation_seconds_total',
    help: 'Time spent evaluating alert rules, reading and writing included.',
    registers,
  })
  const errors = new Counter({
    name: 'halfshake_alerts_evaluation_errors_total',
    help: 'Evaluations that failed and were tried again.',
    registers,
  })
  const firing = new Gauge({ name: 'halfshake_alerts_firing', help: 'Alerts that fire now.', registers })
  const silenced = new Gauge({
    name: 'halfshake_alerts_silenced',
    help: 'Alerts that fire and are silenced now.',
    registers,
  })
  const held = new Gauge({
    name: 'halfshake_notifications_held_back',
    help: 'Messages that silences and acknowledgements hold back now.',
    labelNames: ['receiver'],
    registers,
  })
  return {
    evaluated({ minute, firing: count, ms }) {
      last.set(minute)
      seconds.inc(ms / 1_000)
      firing.set(count)
    },
    muted({ silenced: count, heldBack }) {
      silenced.set(count)
      for (const [receiver, messages] of heldBack) held.set({ receiver }, messages)
    },
    failed: () => errors.inc(),
  }
}

export type DeliveryMetrics = {
  attempted(receiver: string, result: 'delivered' | 'refused' | 'unreachable'): void
  gaveUp(receiver: string): void
  queued(receiver: string, messages: number): void
}

export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const registers = [registry]
  const attempts = new Counter({
    name: 'halfshake_notification_attempts_total',
    help: 'Attempts to send a message, by receiver and result.',
    labelNames: ['receiver', 'result'],
    registers,
  })
  const given = new Counter({
    name: 'halfshake_notifications_given_up_total',
    help: 'Messages that no attempt brought to their receiver within a day.',
    labelNames: ['receiver'],
    registers,
  })
  const queued = new Gauge({
    name: 'halfshake_notifications_queued',
    help: 'Messages on their way to a receiver.',
    labelNames: ['receiver'],
    registers,
  })
  return {
    attempted: (receiver, result) => attempts.inc({ receiver, result }),
    gaveUp: (receiver) => given.inc({ receiver }),
    queued: (receiver, messages) => queued.set({ receiver }, messages),
  }
}

export function createRuleMetrics(registry: Registry) {
  const registers = [registry]
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `halfshake_alert_rules${name}`, help, registers })
  return {
    rules: gauge('', 'Alert rules in force.'),
    badFiles: gauge(
      '_bad_files',
      'Files of rules with mistakes; while there are any, the last good rules are in force.',
    ),
    unusable: gauge('_unusable', 'Stored rules with mistakes; they are not in force.'),
  }
}
