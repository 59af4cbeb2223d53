import type { Check } from '../core/runtime/health.ts'
import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import { createAdvance } from './advance.ts'
import type { Alert } from './alert.ts'
import type { AlertTable } from './alert-table.ts'
import type { ErrorLog } from './error-log.ts'
import { firingIn, initialState, MINUTE, resolved, type State } from './evaluate.ts'
import type { FindFacts } from './facts.ts'
import type { Places } from './links.ts'
import type { EvaluatorMetrics } from './metrics.ts'
import type { Told } from './notification.ts'
import type { NotificationTable } from './notification-table.ts'
import { type Plan, type PlannedReceiver, planNotifications } from './plan.ts'
import type { ReadCounts } from './read-counts.ts'
import { createMutingReader } from './read-muting.ts'
import type { Rule } from './rule.ts'
import type { SilenceTable } from './silence-table.ts'
import { createWording } from './wording.ts'

/** The detector writes what it found in a minute a few seconds after it could be judged. */
const DETECTOR_LAG_MS = 10_000

export type EvaluatorNeeds = {
  /** The rules in force, asked for at every look. */
  rules: () => Promise<readonly Rule[]>
  errors: ErrorLog
  readCounts: ReadCounts
  alerts: AlertTable
  notifications: Pick<NotificationTable, 'told' | 'add'>
  silences: Pick<SilenceTable, 'silences' | 'acknowledgements'>
  facts: FindFacts
  receivers: readonly PlannedReceiver[]
  places: Places
  /** Told when there are new messages. */
  onMessages: () => void
  /** ms since 1970. */
  clock: () => number
  watermarkMs: number
  /** A pause longer than this is not caught up with: the counts are gone. */
  keptMs: number
  intervalMs: number
  metrics: EvaluatorMetrics
  log: Logger
}

export type Evaluator = Component & {
  /** Evaluates every minute that is due and puts into the queue what is to be told. Also what the timer does. */
  evaluateDue(): Promise<void>
  firing(): Alert[]
  /** Says so when the last look failed: alerts are late then, and nobody is told why. */
  check: Check
}

/**
 * Evaluates minute after minute. Alerts, messages and state are written in this order: a crash in between repeats
 * the round from the saved state, which gives the same alerts under the same ids; what was told already is seen in the queue.
 */
export function createEvaluator(needs: EvaluatorNeeds): Evaluator {
  const { alerts: table, notifications, clock, metrics, log } = needs
  const advance = createAdvance(
    { ...needs, incidents: table.incidents, startedAt: clock() / 1_000 },
    () => stopped,
  )
  const word = createWording({ ...needs, incidents: table.incidents })
  const lagMs = needs.watermarkMs + DETECTOR_LAG_MS
  const readMuting = createMutingReader(needs.silences, 60_000 + lagMs)
  let state: State | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let failing: { since: number; error: string } | undefined
  let busy: Promise<void> = Promise.resolve()

  async function round(): Promise<void> {
    // Also when nothing is due: a changed file of rules is to be noticed soon.
    const rules = await needs.rules()
    const due = dueMinute()
    state ??= (await table.load()) ?? { ...initialState(), minute: due - MINUTE }
    if (due <= state.minute) return
    const began = performance.now()
    const { next, changes } = await advance(rules, state, due)
    await table.write(changes)
    const { planned, silenced, heldBack } = await plan(rules, next, changes)
    const messages = await word(planned, rules)
    await notifications.add(messages)
    await table.save(next)
    state = next
    metrics.evaluated({ minute: due, firing: firingIn(next).length, ms: performance.now() - began })
    metrics.muted({ silenced, heldBack })
    for (const alert of changes) logChange(alert)
    if (messages.length > 0) needs.onMessages()
  }

  async function plan(rules: readonly Rule[], next: State, changes: readonly Alert[]): Promise<Plan> {
    const told = await notifications.told()
    const known = new Map([...next.ended, ...changes, ...firingIn(next)].map((alert) => [alert.id, alert]))
    for (const alert of await othersTold(told, known, next.minute)) known.set(alert.id, alert)
    const now = clock()
    const alerts = [...known.values()]
    const muting = await readMuting(alerts, now)
    const { receivers } = needs
    return planNotifications({ alerts, told, rules, receivers, muting, minute: next.minute, now })
  }

  /** Alerts that a receiver takes for firing and that fire no more: it is owed their end. */
  async function othersTold(
    told: readonly Told[],
    known: ReadonlyMap<string, Alert>,
    minute: number,
  ): Promise<Alert[]> {
    const ids = told.flatMap(({ status, alerts }) => (status === 'firing' ? alerts : []))
    const stored = await table.read([...new Set(ids)].filter((id) => !known.has(id)))
    const ended = stored.map((alert) =>
      alert.state === 'resolved'
        ? alert
        : resolved(alert, { resolved_at: minute + MINUTE, minute, resolution: 'withdrawn' }),
    )
    await table.write(ended.filter(({ resolution }) => resolution === 'withdrawn'))
    return ended
  }

  function logChange({ id, rule, state, scope, asn, label, prefix, site }: Alert): void {
    log.info({ alert: id, rule, scope, asn, label, prefix, site }, `alert ${state}`)
  }

  /** The last minute that the detector has judged, too. */
  function dueMinute(): number {
    return Math.floor((clock() - lagMs) / 60_000) * MINUTE - MINUTE
  }

  function evaluateDue(): Promise<void> {
    busy = busy.then(async () => {
      try {
        await round()
        failing = undefined
      } catch (error) {
        metrics.failed()
        failing = { since: failing?.since ?? clock(), error: String(error) }
        log.error({ error: String(error) }, 'the alert rules could not be evaluated; trying again')
        const minute = state === undefined ? dueMinute() : state.minute + MINUTE
        needs.errors.note({ minute, rule: '', error: String(error) })
      }
      await needs.errors.flush()
    })
    return busy
  }

  function schedule(): void {
    if (!stopped) timer = setTimeout(() => void evaluateDue().then(schedule), needs.intervalMs)
  }

  return {
    name: 'alerts',
    async start() {
      await evaluateDue()
      schedule()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await busy
    },
    evaluateDue,
    firing: () => (state === undefined ? [] : firingIn(state)),
    check: { name: 'alert evaluation', check: () => ({ ready: true, ...warningOf(failing) }) },
  }
}

/** Not unready: events are taken all the same, and every minute is evaluated when it can be. */
function warningOf(failing: { since: number; error: string } | undefined): { warning?: string } {
  if (failing === undefined) return {}
  const since = new Date(failing.since).toISOString()
  return { warning: `the alert rules could not be evaluated since ${since}: ${failing.error}` }
}
