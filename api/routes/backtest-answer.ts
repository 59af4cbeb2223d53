import { once } from 'node:events'
import type { Response } from 'express'
import { type Tested, testedAlert, type testRules, timeText } from '../../alerts/rule-test.ts'
import type { Logger } from '../../core/runtime/log.ts'
import { Problem, problemOf } from '../../core/runtime/problem.ts'

/** More are counted only. */
const MOST_ALERTS = 10_000
/** The server does something else after so long a stretch of judging, ms. */
const STRETCH_MS = 20
const PROGRESS_EVERY_MS = 250

type Lines = Pick<Parameters<typeof testRules>[0], 'onProgress' | 'afterMinute'>

/** The client has left: nobody waits for the answer. */
class Left extends Error {
  override readonly name = 'Left'
}

/** Answers with lines of JSON while a test runs, the last of which has its result or the problem. Ends when the client has it, or left. */
export async function answer(
  response: Response,
  test: (lines: Lines) => Promise<Tested | undefined>,
  { log, slowMs }: { log: Logger; slowMs: number },
): Promise<void> {
  response.status(200).set({
    'Content-Type': 'application/x-ndjson',
    'Cache-Control': 'no-store',
    // nginx would hold the lines back until a buffer is full.
    'X-Accel-Buffering': 'no',
  })
  response.flushHeaders()
  const write = (line: unknown) => response.write(`${JSON.stringify(line)}\n`)
  try {
    const tested = await test(pacedLines(response, write))
    const fits = write(
      tested === undefined ? { problem: documentOf(nothingStored()) } : { result: resultOf(tested) },
    )
    if (!fits && !response.destroyed) await taken(response, slowMs)
  } catch (error) {
    if (error instanceof Left) return
    log.error({ error: String(error) }, 'a backtest failed')
    write({ problem: documentOf(problemOf(error)) })
  }
  response.end()
}

/** Who has not read any of it for so long is disconnected: others wait for their test meanwhile. */
async function taken(response: Response, slowMs: number): Promise<void> {
  response.setTimeout(slowMs, () => response.destroy())
  await Promise.race([once(response, 'drain'), once(response, 'close')])
}

/** Tells how far it is now and then, lets others have their turn, and ends it when nobody listens any more. */
function pacedLines(response: Response, write: (line: unknown) => void): Lines {
  let told = 0
  let began = performance.now()
  return {
    onProgress(doing, share) {
      if (performance.now() - told < PROGRESS_EVERY_MS) return
      told = performance.now()
      write({ progress: Math.round(share * 1_000) / 1_000, doing })
    },
    afterMinute() {
      if (response.destroyed) throw new Left()
      if (performance.now() - began < STRETCH_MS) return undefined
      return new Promise((resolve) =>
        setImmediate(() => {
          began = performance.now()
          resolve()
        }),
      )
    },
  }
}

function resultOf({ from, to, single_from, alerts, rules }: Tested) {
  const told = alerts.slice(0, MOST_ALERTS).map((alert) => ({
    ...testedAlert(alert),
    seconds: (alert.resolved_at === 0 ? to : alert.resolved_at) - alert.fired_at,
  }))
  return {
    from: timeText(from),
    to: timeText(to),
    single_from: single_from === undefined ? null : timeText(single_from),
    rules,
    alerts: told,
    more_alerts: alerts.length - told.length,
  }
}

function documentOf({ type, title, status, message }: Problem) {
  return { type: `/problems/${type}`, title, status, detail: message }
}

function nothingStored(): Problem {
  return new Problem({
    status: 409,
    type: 'nothing-stored',
    title: 'Nothing to test on',
    detail: 'the store holds no handshakes yet',
  })
}
