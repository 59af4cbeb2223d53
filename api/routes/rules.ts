import { z } from 'zod'
import { ruleJsonSchema } from '../../alerts/rule-json-schema.ts'
import { etagOf, lastRevision, type StoredRule, writeStoredRule } from '../../alerts/stored-rules.ts'
import { Problem } from '../../core/runtime/problem.ts'
import { text } from '../parameter-types.ts'
import { type Conditions, type Context, defineRoute, defineWrite, type Reply } from '../route.ts'
import {
  badRule,
  type RuleItem,
  ruleItems,
  ruleOrNotFound,
  rulePath,
  ruleSchema,
  storedOf,
  UNKNOWN_RULE,
  writtenOf,
} from './rule.ts'

export const RULE_SCHEMA_PATH = '/v1/rules/schema'
/** Stored rules at a time: what is judged every minute has a bound. */
const MOST_RULES = 10_000
/** A rule may name thousands of networks. */
const LARGEST_RULE = 262_144
/** Paths of their own under /v1/rules, which a rule of this id could not be asked for. */
const RESERVED = ['schema', 'backtest']

const IN_A_FILE = 'The id is that of a rule of a file, which is changed there; `detail` says where.'
const body = { schema: ruleJsonSchema(), largest: LARGEST_RULE }
const authorQuery = {
  author: text({ max: 128 }).default('').describe('Who writes it: a name others know; may be left out.'),
}
const ifMatch = {
  header: 'If-Match',
  description: '`ETag` of the rule as it was read; `*` for whatever it is now.',
} as const

export const rulesRoute = defineRoute({
  path: '/v1/rules',
  tag: 'Rules',
  summary: 'All rules',
  description: 'The rules of files, the shipped one, and those made here, also those that are not in force.',
  scope: 'read',
  pathParameters: {},
  query: {},
  answer: z
    .strictObject({
      items: z.array(ruleSchema),
      file_mistakes: z
        .array(
          z.strictObject({
            file: z.string(),
            line: z.int().min(1),
            field: z.string(),
            message: z.string(),
            allowed: z.string(),
          }),
        )
        .describe('What is wrong with the files now; while anything is, their last good rules are in force.'),
    })
    .meta({ id: 'Rules', description: 'All rules.' }),
  async handle(_call, { store, rules }) {
    await rules.refresh(store)
    return { items: ruleItems(rules), file_mistakes: [...rules.fileMistakes()] }
  },
})

export const ruleRoute = defineRoute({
  path: '/v1/rules/:id',
  tag: 'Rules',
  summary: 'One rule',
  description: 'A rule as it was written, where it comes from, and why it is not in force if it is not.',
  scope: 'read',
  notFound: UNKNOWN_RULE,
  pathParameters: rulePath,
  query: {},
  answer: ruleSchema,
  headers: etagHeader,
  async handle({ path: { id } }, { store, rules }) {
    await rules.refresh(store)
    return ruleOrNotFound(rules, id)
  },
})

export const createRuleRoute = defineWrite({
  method: 'post',
  path: '/v1/rules',
  tag: 'Rules',
  summary: 'Make a rule',
  description:
    'Stores a rule, which is judged from the next minute on, also after a restart. It is what a file has of one rule, as JSON; lists of files can be used.',
  scope: 'admin',
  conflict: `There is a rule of this id already. ${IN_A_FILE}`,
  status: 201,
  pathParameters: {},
  query: authorQuery,
  body,
  answer: ruleSchema,
  handle: ({ body: document, query: { author } }, context) =>
    inTurn(context, async () => {
      const rule = checked(context, document)
      if (storedOf(context.rules, rule.id) !== undefined) throw existsAlready(rule.id)
      return write(context, { id: rule.id, document, author })
    }),
})

export const replaceRuleRoute = defineWrite({
  method: 'put',
  path: '/v1/rules/:id',
  tag: 'Rules',
  summary: 'Replace a rule, or make it under this id',
  description:
    'With `If-Match` the stored rule is replaced when it is still the one that was read; with `If-None-Match: *` it is made when there is none. An alert that fires goes on when the rule keeps its condition, and ends otherwise.',
  scope: 'admin',
  notFound: UNKNOWN_RULE,
  conflict: IN_A_FILE,
  pathParameters: rulePath,
  query: authorQuery,
  body,
  condition: ifMatch,
  answer: ruleSchema,
  handle: ({ path: { id }, body: document, query: { author }, conditions }, context) =>
    inTurn(context, async () => {
      const create = checkConditions(context, id, conditions) === 'create'
      const rule = checked(context, document)
      if (rule.id !== id)
        throw badRule([{ field: 'id', message: `${rule.id} is not the id in the path`, allowed: id }])
      const reply = await write(context, { id, document, author })
      return { ...reply, status: create ? 201 : 200 }
    }),
})

export const deleteRuleRoute = defineWrite({
  method: 'delete',
  path: '/v1/rules/:id',
  tag: 'Rules',
  summary: 'Delete a rule',
  description:
    'A rule that was made here, when it is still the one that was read. Its alerts end as `rule_removed`; its history stays.',
  scope: 'admin',
  notFound: UNKNOWN_RULE,
  conflict: IN_A_FILE,
  status: 204,
  pathParameters: rulePath,
  query: authorQuery,
  condition: ifMatch,
  answer: z.undefined(),
  handle: ({ path: { id }, query: { author }, conditions }, context) =>
    inTurn(context, async () => {
      checkConditions(context, id, { ...conditions, ifNoneMatch: undefined })
      await store(context, { id, document: {}, author, deleted: true })
      return { body: undefined }
    }),
})

/** One write at a time, over the rules as they are now. */
function inTurn<T>({ rules, store: queries, inTurn: take }: Context, use: () => Promise<T>): Promise<T> {
  return take(async () => {
    await rules.refresh(queries)
    return use()
  })
}

function checked({ rules }: Context, document: Record<string, unknown>) {
  const parsed = rules.parse(document)
  if (!parsed.ok) throw badRule(parsed.mistakes)
  const { id } = parsed.rule
  if (RESERVED.includes(id))
    throw badRule([{ field: 'id', message: `${id} is a path of the API`, allowed: 'another id' }])
  refuseWritten(rules, id)
  return parsed.rule
}

type Given = { id: string; document: Record<string, unknown>; author: string; deleted?: boolean }

async function write(context: Context, given: Given): Promise<Reply & { body: RuleItem }> {
  const { rules } = context
  if (storedOf(rules, given.id) === undefined && rules.stored().length >= MOST_RULES) throw tooMany()
  await store(context, given)
  const item = ruleOrNotFound(rules, given.id)
  return { body: item, headers: { ...etagHeader(item), Location: `/v1/rules/${item.id}` } }
}

async function store(context: Context, { id, document, author, deleted = false }: Given): Promise<void> {
  const { store: queries, rules, clock } = context
  const revision = (await lastRevision(queries, id)) + 1
  const text = deleted ? '' : JSON.stringify(document)
  const row: StoredRule = { id, document: text, author, deleted, revision, updated_at: clock().now }
  await writeStoredRule(queries, row)
  await rules.refresh(queries)
}

/** Whether the request makes a rule or replaces one; throws the problem when its conditions are not met. */
function checkConditions({ rules }: Context, id: string, given: Conditions): 'create' | 'replace' {
  const stored = storedOf(rules, id)?.stored
  if (stored === undefined) refuseWritten(rules, id)
  if (given.ifMatch === undefined && given.ifNoneMatch === undefined) throw unconditional(id)
  if (given.ifNoneMatch !== undefined) {
    if (given.ifNoneMatch.trim() !== '*' || given.ifMatch !== undefined) throw unconditional(id)
    if (stored !== undefined) throw changed(id, etagOf(stored))
    return 'create'
  }
  if (stored === undefined) ruleOrNotFound(rules, id)
  else if (!matches(given.ifMatch ?? '', etagOf(stored))) throw changed(id, etagOf(stored))
  return 'replace'
}

/** Source: RFC 9110, section 13.1.1 */
function matches(given: string, etag: string): boolean {
  return given.split(',').some((one) => one.trim() === '*' || one.trim() === etag)
}

function refuseWritten(rules: Context['rules'], id: string): void {
  const written = writtenOf(rules, id)
  if (written === undefined) return
  const { rule, line } = written
  throw new Problem({
    status: 409,
    type: 'rule-in-file',
    title: 'Rule stands in a file',
    detail: `${id} is the id of a rule in ${rule.file}:${line}, which is read-only here; change it there, or take another id`,
    members: { file: rule.file, line },
  })
}

function existsAlready(id: string): Problem {
  return new Problem({
    status: 409,
    type: 'rule-exists',
    title: 'Rule exists already',
    detail: `there is a rule ${id} already; replace it with PUT /v1/rules/${id}, or take another id`,
  })
}

function unconditional(id: string): Problem {
  return new Problem({
    status: 428,
    type: 'condition-needed',
    title: 'Condition needed',
    detail: `say what you build on: If-Match with the ETag of GET /v1/rules/${id}, or, to make a new rule with PUT, If-None-Match: *`,
  })
}

function changed(id: string, etag: string): Problem {
  return new Problem({
    status: 412,
    type: 'rule-changed',
    title: 'Rule is another by now',
    detail: `${id} is not what the request builds on; it has the ETag ${etag} now: read it again, and decide again`,
    headers: { ETag: etag },
  })
}

function tooMany(): Problem {
  return new Problem({
    status: 409,
    type: 'too-many-rules',
    title: 'Too many rules',
    detail: `${MOST_RULES} rules are stored, which is the most allowed; delete some, or name several networks in one`,
  })
}

function etagHeader({ etag }: RuleItem): Record<string, string> {
  return etag === null ? {} : { ETag: etag }
}
