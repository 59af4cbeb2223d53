import type { Component } from '../core/runtime/lifecycle.ts'
import type { Logger } from '../core/runtime/log.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { Attempt, Notification } from './notification.ts'
import type { NotificationTable } from './notification-table.ts'
import type { Answer, Receiver } from './receivers/receiver.ts'

/** Waits between attempts, ms; the last one goes on. */
const BACK_OFF_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 600_000] as const
/** A receiver that did not answer is left alone for so long at most before any message is tried. */
const LONGEST_PAUSE_MS = 60_000
/** A message that nobody took within this time is given up: what it says is old. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000
/** Messages read at a time. */
const AT_ONCE = 50
/** The queue is looked at so often even if nobody says that there is something in it. */
const IDLE_MS = 15_000
const REMIND_MS = 60_000
/** What has ended is told for so long by reminders, ms: a receiver that was restarted may have missed it. */
const REMIND_ENDED_MS = 900_000

export type DeliveryNeeds = {
  receivers: readonly Receiver[]
  table: Pick<NotificationTable, 'due' | 'nextDue' | 'record' | 'queued' | 'last'>
  /** ms since 1970. */
  clock: () => number
  metrics: DeliveryMetrics
  log: Logger
}

export type Delivery = Component & {
  /** There is something new in the queue. */
  nudge(): void
  /** Sends what is due to a receiver; also what its loop does. */
  deliverDue(receiver: Receiver): Promise<void>
}

/**
 * Brings messages from the queue in the store to their receivers, each receiver on its own and the messages of one group in
 * order. What was sent is recorded after it was answered: a crash in between sends it again, under the same key.
 */
export function createDelivery({ receivers, table, clock, metrics, log }: DeliveryNeeds): Delivery {
  const wakers = new Set<() => void>()
  const failures = new Map<string, number>()
  const pausedUntil = new Map<string, number>()
  const reminded = new Map<string, number>()
  let stopped = false
  let loops: Promise<void>[] = []

  async function deliverDue(receiver: Receiver): Promise<void> {
    while (!stopped && clock() >= (pausedUntil.get(receiver.name) ?? 0)) {
      const messages = await table.due(receiver.name, clock(), AT_ONCE)
      if (messages.length === 0) return
      for (const message of messages) {
        if (stopped) return
        const { result } = await attempt(receiver, message)
        if (result === 'unreachable') return
      }
    }
  }

  async function attempt(receiver: Receiver, notification: Notification): Promise<Answer> {
    const at = clock()
    const began = performance.now()
    const answer = await receiver.send(notification.message)
    const milliseconds = Math.round(performance.now() - began)
    metrics.attempted(receiver.name, answer.result)
    noteReachable(receiver.name, answer)
    const tried = triedOf(notification, answer)
    report(tried, answer)
    const number = tried.attempts
    await recorded(tried, {
      ...answer,
      notification: tried.id,
      receiver: receiver.name,
      attempt: number,
      at,
      milliseconds,
    })
    return answer
  }

  function triedOf(notification: Notification, { result, answer }: Answer): Notification {
    const attempts = notification.attempts + 1
    const now = clock()
    const wait = BACK_OFF_MS[Math.min(attempts, BACK_OFF_MS.length) - 1] ?? 0
    const old = now - notification.created_at > GIVEN_UP_AFTER_MS
    const state = result === 'delivered' ? 'delivered' : old ? 'given_up' : 'queued'
    return { ...notification, attempts, answer, state, next_attempt_at: now + wait }
  }

  /** A receiver that does not answer is not asked for every single message. */
  function noteReachable(name: string, { result }: Answer): void {
    const failed = result === 'unreachable' ? (failures.get(name) ?? 0) + 1 : 0
    failures.set(name, failed)
    const wait = failed === 0 ? 0 : (BACK_OFF_MS[Math.min(failed, BACK_OFF_MS.length) - 1] ?? 0)
    pausedUntil.set(name, clock() + Math.min(wait, LONGEST_PAUSE_MS))
  }

  /** What was answered must be known before anything else is sent: else the next look at the queue sends it again. */
  async function recorded(notification: Notification, attempted: Attempt): Promise<void> {
    for (;;) {
      try {
        await table.record(notification, attempted)
        return
      } catch (error) {
        log.error(
          { error: String(error), notification: notification.id },
          'an attempt could not be recorded; trying again',
        )
        if (stopped) return
        await sleep(1_000)
      }
    }
  }

  function report({ id, receiver, attempts, state }: Notification, { result, answer }: Answer): void {
    const facts = { notification: id, receiver, attempt: attempts, answer }
    if (state === 'given_up') {
      metrics.gaveUp(receiver)
      log.error(facts, 'a message was given up after a day')
    } else if (result === 'delivered')
      log.info({ notification: id, receiver, attempt: attempts }, 'message delivered')
    else log.warn(facts, 'a message was not taken; trying again')
  }

  async function remind(receiver: Receiver): Promise<void> {
    const now = clock()
    if (receiver.remind === undefined || now - (reminded.get(receiver.name) ?? 0) < REMIND_MS) return
    reminded.set(receiver.name, now)
    const messages = await table.last(receiver.name, now - REMIND_ENDED_MS)
    if (messages.length === 0) return
    const answer = await receiver.remind(messages)
    metrics.attempted(receiver.name, answer.result)
    if (answer.result !== 'delivered')
      log.warn(
        { receiver: receiver.name, answer: answer.answer },
        'a receiver could not be reminded of what fires',
      )
  }

  async function loop(receiver: Receiver): Promise<void> {
    while (!stopped) {
      try {
        await deliverDue(receiver)
        await remind(receiver)
        await sleep(await untilNext(receiver))
      } catch (error) {
        log.error(
          { error: String(error), receiver: receiver.name },
          'the queue of messages could not be read',
        )
        await sleep(1_000)
      }
    }
  }

  async function untilNext({ name }: Receiver): Promise<number> {
    const counts = await table.queued()
    metrics.queued(name, counts.find(({ receiver }) => receiver === name)?.queued ?? 0)
    const next = await table.nextDue(name)
    const due = next === undefined ? Number.POSITIVE_INFINITY : Math.max(next, pausedUntil.get(name) ?? 0)
    return Math.max(50, Math.min(IDLE_MS, due - clock()))
  }

  /** Sleeps, until somebody wakes it. */
  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      wakers.add(wake)
      if (stopped) wake()
    })
  }

  const nudge = () => {
    for (const wake of [...wakers]) wake()
  }

  return {
    name: 'delivery',
    async start() {
      loops = receivers.map(loop)
    },
    async stop() {
      stopped = true
      nudge()
      await Promise.all(loops)
    },
    nudge,
    deliverDue,
  }
}
