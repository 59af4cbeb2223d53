import { z } from 'zod'
import type { WrittenRule } from '../../alerts/parse-rules.ts'
import type { ListedRule, RuleBook } from '../../alerts/rule-book.ts'
import { SHIPPED } from '../../alerts/rule-files.ts'
import { type FieldMistake, firstOf } from '../../alerts/rule-mistake.ts'
import { etagOf } from '../../alerts/stored-rules.ts'
import { Problem } from '../../core/runtime/problem.ts'
import { text } from '../parameter-types.ts'
import { count, time } from '../schemas.ts'
import { iso } from '../window.ts'

export const UNKNOWN_RULE = 'No rule has this id.'
export const rulePath = { id: text({ min: 1, max: 63 }).describe('`id` of the rule.') }

const mistakeSchema = z.strictObject({
  field: z.string().describe('The field, as `who.asn`; empty for the whole rule.'),
  message: z.string().describe('What is wrong.'),
  allowed: z.string().describe('What is allowed instead.'),
})

export const ruleSchema = z
  .strictObject({
    id: z.string().describe('Alerts, messages and history are known by it.'),
    source: z
      .enum(['shipped', 'file', 'api'])
      .describe('Where it comes from: shipped, a file of the folder of rules, or this API.'),
    file: z.string().nullable().describe('Name of its file; null for others.'),
    line: count('Line of its file, from 1; null for others.').nullable(),
    in_force: z.boolean().describe('Whether it is judged; a stored rule with mistakes is not.'),
    mistakes: z.array(mistakeSchema).describe('Why it is not in force.'),
    document: z
      .record(z.string(), z.unknown())
      .describe('The rule as it was written: what a file has, as JSON. Its schema is at /v1/rules/schema.'),
    etag: z
      .string()
      .nullable()
      .describe('For `If-Match`, to replace or delete it; null where that is not possible.'),
    author: z.string().describe('Who wrote it last, where they said so.'),
    updated_at: time('When it was written last; null for rules of files.').nullable(),
  })
  .meta({ id: 'Rule', description: 'A rule, from wherever it comes.' })

export type RuleItem = z.output<typeof ruleSchema>

/** All rules: those of files, then those made here, in force or not. */
export function ruleItems(book: RuleBook): RuleItem[] {
  return [...book.written().map(writtenItem), ...book.stored().map(storedItem)]
}

/** The rule of this id; where a file has taken the id of a stored one, the stored one, which can be changed. */
export function ruleOrNotFound(book: RuleBook, id: string): RuleItem {
  const stored = storedOf(book, id)
  if (stored !== undefined) return storedItem(stored)
  const written = writtenOf(book, id)
  if (written !== undefined) return writtenItem(written)
  throw new Problem({
    status: 404,
    type: 'unknown-rule',
    title: 'Rule is not known',
    detail: `there is no rule ${id}; /v1/rules lists all`,
  })
}

export function storedOf(book: RuleBook, id: string): ListedRule | undefined {
  return book.stored().find(({ stored }) => stored.id === id)
}

export function writtenOf(book: RuleBook, id: string): WrittenRule | undefined {
  return book.written().find(({ rule }) => rule.id === id)
}

export function etagHeader({ etag }: RuleItem): Record<string, string> {
  return etag === null ? {} : { ETag: etag }
}

/** The 400 problem that lists the mistakes in a rule, or in several. */
export function badRule(found: readonly FieldMistake[]): Problem {
  const mistakes = firstOf(found)
  return new Problem({
    status: 400,
    type: 'bad-rule',
    title: 'Rule not allowed',
    detail: mistakes
      .map(
        ({ field, message, allowed }) => `${field === '' ? '' : `${field}: `}${message}; allowed: ${allowed}`,
      )
      .join(' | '),
    members: { errors: mistakes },
  })
}

function writtenItem({ rule, line, document }: WrittenRule): RuleItem {
  const shipped = rule.file === SHIPPED
  return {
    id: rule.id,
    source: shipped ? 'shipped' : 'file',
    file: shipped ? null : rule.file,
    line: shipped ? null : line,
    in_force: true,
    mistakes: [],
    document: objectOf(document),
    etag: null,
    author: '',
    updated_at: null,
  }
}

function storedItem({ stored, mistakes }: ListedRule): RuleItem {
  return {
    id: stored.id,
    source: 'api',
    file: null,
    line: null,
    in_force: mistakes.length === 0,
    mistakes: [...mistakes],
    document: documentOf(stored.document),
    etag: etagOf(stored),
    author: stored.author,
    updated_at: iso(stored.updated_at),
  }
}

/** What another program put into the table need not be JSON: its mistakes say so. */
function documentOf(text: string): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
