import { problemAnswer } from './openapi-problems.ts'
import { inputSchema } from './route.ts'
import { backtestBody } from './routes/backtest.ts'

type Json = Record<string, unknown>

/** `POST /v1/rules/backtest`: an answer of lines, which routes of JSON do not have. */
export function backtestOperation(schemas: Json): Json {
  schemas['BacktestLine'] = lineSchema()
  return {
    operationId: 'postRulesBacktest',
    tags: ['Rules'],
    summary: 'What rules would have found',
    description:
      'Judges what is stored minute by minute, as it is judged live, and writes nothing. The answer is newline-delimited JSON: lines with `progress`, then one with `result`, or with `problem` where it failed. One at a time; it ends when the client leaves.',
    security: [{ token: ['read'] }],
    requestBody: { required: true, content: { 'application/json': { schema: inputSchema(backtestBody) } } },
    responses: {
      200: {
        description: 'Lines, the last of which has the result or the problem.',
        content: { 'application/x-ndjson': { schema: { $ref: '#/components/schemas/BacktestLine' } } },
      },
      400: problemAnswer('A body or rules that are not allowed; all mistakes at once.', 'BadBody'),
      401: problemAnswer('No token, or an unknown one.'),
      403: problemAnswer('The token lacks the scope read.'),
      413: problemAnswer('The body is too large.'),
      415: problemAnswer('The body is not application/json.'),
      429: problemAnswer('Another backtest is running; see Retry-After.'),
      503: problemAnswer('The store cannot answer now; see Retry-After.'),
    },
  }
}

/** `GET /v1/rules/schema`: editors bear no token. */
export function ruleSchemaOperation(): Json {
  return {
    operationId: 'getRulesSchema',
    tags: ['Rules'],
    summary: 'The JSON Schema of files of rules',
    description:
      'For editors. `properties.rules.items` is the schema of one rule, as this API takes it. Needs no token.',
    security: [],
    responses: {
      200: {
        description: 'A JSON Schema (draft 2020-12).',
        content: { 'application/schema+json': { schema: { type: 'object' } } },
      },
    },
  }
}

function lineSchema(): Json {
  const text = { type: 'string' }
  const number = { type: 'number' }
  const rule = {
    type: 'object',
    properties: { id: text, alerts: number, a_day: number },
    required: ['id', 'alerts', 'a_day'],
  }
  const result = {
    type: 'object',
    properties: {
      from: { ...text, description: 'Start of what was judged: what is stored may begin later than asked.' },
      to: text,
      single_from: {
        type: ['string', 'null'],
        description:
          'From when on rules by agent or server name are judged, where that is later: single handshakes are kept no longer.',
      },
      rules: {
        type: 'array',
        items: rule,
        description: 'How many alerts each rule gave, and how many a day.',
      },
      alerts: {
        type: 'array',
        items: { type: 'object' },
        description:
          'Alerts in the order in which they fired, as /v1/alerts has them, without receivers; `seconds`: how long.',
      },
      more_alerts: { ...number, description: 'How many are not listed.' },
    },
    required: ['from', 'to', 'single_from', 'rules', 'alerts', 'more_alerts'],
  }
  return {
    type: 'object',
    description: 'A line of a backtest: one of progress, result and problem.',
    properties: {
      progress: { ...number, minimum: 0, maximum: 1, description: 'Share that is done of what it is doing.' },
      doing: { type: 'string', enum: ['detecting', 'evaluating'] },
      result,
      problem: { $ref: '#/components/schemas/Problem' },
    },
  }
}
