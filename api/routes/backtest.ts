import type { Request, RequestHandler } from 'express'
import { z } from 'zod'
import type { Rule } from '../../alerts/rule.ts'
import type { RuleBook } from '../../alerts/rule-book.ts'
import type { FieldMistake } from '../../alerts/rule-mistake.ts'
import { lastJudgedMinute, testRules, timeText } from '../../alerts/rule-test.ts'
import type { Logger } from '../../core/runtime/log.ts'
import { Problem } from '../../core/runtime/problem.ts'
import type { Queries } from '../bounded-store.ts'
import { moment } from '../parameter-types.ts'
import { badBody, readParameters } from '../parameters.ts'
import { answer } from './backtest-answer.ts'
import { badRule } from './rule.ts'

export const BACKTEST_PATH = '/v1/rules/backtest'
/** Several rules of thousands of networks. */
export const LARGEST_BACKTEST = 1_048_576
const MOST_RULES = 1_000
const USUAL_SPAN_MS = 14 * 86_400_000

export type BacktestSettings = {
  /** What the detector has seen before it judges, ms (`detector.history`). */
  historyMs: number
  /** `detector.watermark` */
  watermarkMs: number
  /** How long single handshakes are kept (`store.retention_raw`). */
  rawKeptMs: number
}

export const backtestBody = z.strictObject({
  rules: z
    .array(
      z.union([z.string().min(1).max(63), z.record(z.string(), z.unknown())]),
      `a list of up to ${MOST_RULES} ids of rules, or rules as files have them`,
    )
    .min(1, 'at least one rule')
    .max(MOST_RULES, `at most ${MOST_RULES} rules`)
    .describe('Ids of rules, or rules as a file has them, as JSON; both may be mixed.'),
  from: moment().optional().describe('Start, included; 14 days before now when left out.'),
  to: moment().optional().describe('End, excluded; the last minute that is judged live when left out.'),
})

/**
 * What rules would have found, over the store as it is: newline-delimited JSON, `progress` while it goes on, then `result` or
 * `problem`. One at a time; it ends when the client leaves.
 */
export function backtestRules({
  store,
  rules,
  now,
  settings,
  log,
  slowMs,
}: {
  store: Queries
  rules: RuleBook
  now: () => number
  settings: BacktestSettings
  log: Logger
  /** A client that does not read for so long is disconnected. */
  slowMs: number
}): RequestHandler {
  let running = false
  return async (request, response) => {
    await rules.refresh(store)
    const asked = askedOf(request, { rules, now: now(), settings })
    if (running) throw busy()
    running = true
    const kept = { rawKeptMs: settings.rawKeptMs, clock: now }
    try {
      await answer(
        response,
        (lines) => testRules({ ...asked, ...lines, store, historyMs: settings.historyMs, kept }),
        { log, slowMs },
      )
    } finally {
      running = false
    }
  }
}

type Asked = { rules: Rule[]; from: number; to: number }

function askedOf(
  { body, query }: Request,
  { rules: book, now, settings }: { rules: RuleBook; now: number; settings: BacktestSettings },
): Asked {
  const unknown = readParameters(z.strictObject({}), { ...query }, 'parameter')
  if (!unknown.ok) throw badBody(unknown.mistakes)
  const read = readParameters(backtestBody, body as Record<string, unknown>, 'field')
  if (!read.ok) throw badBody(read.mistakes)
  const judged = lastJudgedMinute(now, settings.watermarkMs)
  const begin = read.value.from?.(now) ?? now - USUAL_SPAN_MS
  const from = Math.floor(begin / 60_000) * 60
  const to = Math.min(Math.ceil((read.value.to?.(now) ?? judged * 1_000) / 60_000) * 60, judged)
  if (from >= to)
    throw badBody([
      {
        parameter: 'from',
        message: `from ${timeText(from)} is not before to ${timeText(to)}`,
        allowed: 'a time before to, which is the last judged minute at the latest',
      },
    ])
  return { rules: rulesOf(book, read.value.rules), from, to }
}

/** The rules that are named, and those that are given; throws the problem that lists every mistake in them. */
function rulesOf(book: RuleBook, given: readonly (string | Record<string, unknown>)[]): Rule[] {
  const mistakes: FieldMistake[] = []
  const rules: Rule[] = []
  given.forEach((one, index) => {
    const at = `rules[${index}]`
    const refuse = (field: string, message: string, allowed: string) =>
      mistakes.push({ field: field === '' ? at : `${at}.${field}`, message, allowed })
    const parsed = typeof one === 'string' ? inForce(book, one) : book.parse(one)
    if (!parsed.ok) for (const { field, message, allowed } of parsed.mistakes) refuse(field, message, allowed)
    else if (rules.some(({ id }) => id === parsed.rule.id))
      refuse(typeof one === 'string' ? '' : 'id', `${parsed.rule.id} is given twice`, 'an id of its own')
    else rules.push(parsed.rule)
  })
  if (mistakes.length > 0) throw badRule(mistakes)
  return rules
}

function inForce(book: RuleBook, id: string): ReturnType<RuleBook['parse']> {
  const rule = book.rules().find((one) => one.id === id)
  if (rule !== undefined) return { ok: true, rule }
  const mistake = {
    field: '',
    message: `no rule ${id} is in force`,
    allowed: 'an id of /v1/rules, or a rule',
  }
  return { ok: false, mistakes: [mistake] }
}

function busy(): Problem {
  return new Problem({
    status: 429,
    type: 'backtest-running',
    title: 'A backtest is running',
    detail: 'one backtest runs at a time, and another has not ended yet; come again later',
    headers: { 'Retry-After': '10' },
  })
}
