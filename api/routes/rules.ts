import { z } from 'zod'
import { ruleJsonSchema } from '../../alerts/rule-json-schema.ts'
import { text } from '../parameter-types.ts'
import { defineRoute, defineWrite } from '../route.ts'
import {
  badRule,
  etagHeader,
  ruleItems,
  ruleOrNotFound,
  rulePath,
  ruleSchema,
  storedOf,
  UNKNOWN_RULE,
} from './rule.ts'
import { existsAlready } from './rule-problems.ts'
import { checkConditions, checked, inTurn, store, write } from './rule-write.ts'

export const RULE_SCHEMA_PATH = '/v1/rules/schema'
/** A rule may name thousands of networks. */
const LARGEST_RULE = 262_144

const IN_A_FILE = 'The id is that of a rule of a file, which is changed there; `detail` says where.'
const body = { schema: ruleJsonSchema(), largest: LARGEST_RULE }
const authorQuery = {
  author: text({ max: 128 }).default('').describe('Who writes it: a name others know; may be left out.'),
}
const ifMatch = {
  header: 'If-Match',
  description: '`ETag` of the rule as it was read; `*` for whatever it is now.',
} as const
const ifNoneMatch = { header: 'If-None-Match', description: '`*`: make it, there must be none.' } as const
const ETAG = { ETag: 'Names the rule as it is, for `If-Match`; of rules of files there is none.' }
const WRITTEN = { ...ETAG, Location: 'Where the rule is.' }

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
  answerHeaders: ETAG,
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
  answerHeaders: WRITTEN,
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
  conditions: [ifMatch, ifNoneMatch],
  makes: 'There was no rule of this id; it is made.',
  answerHeaders: WRITTEN,
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
  conditions: [ifMatch],
  answer: z.undefined(),
  handle: ({ path: { id }, query: { author }, conditions }, context) =>
    inTurn(context, async () => {
      checkConditions(context, id, { ...conditions, ifNoneMatch: undefined })
      await store(context, { id, document: {}, author, deleted: true })
      return { body: undefined }
    }),
})
