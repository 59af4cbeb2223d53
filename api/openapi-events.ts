import { REFUSALS } from '../core/event/index.ts'
import { eventSchema } from './event-schema.ts'
import { problemAnswer } from './openapi-problems.ts'

type Json = Record<string, unknown>

/** `POST /v1/events`, which the ingest step answers: agents written by others need to know it. */
export function eventsOperation(schemas: Json): Json {
  schemas['Event'] = eventSchema()
  schemas['Receipt'] = receiptSchema()
  return {
    operationId: 'postEvents',
    tags: ['Agents'],
    summary: 'Send a batch of events',
    description:
      'Newline-delimited JSON, one event a line, gzip welcome. Answered when the batch is durable; the good lines of a batch with bad ones are taken, and the bad ones are named and kept as dead letters. Repeat a batch with the same headers until 202: what was stored is recognised.',
    security: [{ token: ['ingest'] }],
    parameters: [
      header(
        'Halfshake-Agent',
        { type: 'string', pattern: '^[A-Za-z0-9._:@/-]{1,128}$' },
        'Name of the agent.',
      ),
      header('Halfshake-Epoch', WHOLE, 'Its run: another number at every start of the agent.'),
      header('Halfshake-Sequence', WHOLE, 'The batch within the run: one more for each, from 1.'),
    ],
    requestBody: {
      required: true,
      content: { 'application/x-ndjson': { schema: { $ref: '#/components/schemas/Event' } } },
    },
    responses: {
      202: {
        description: 'The batch is durable.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Receipt' } } },
      },
      400: problemAnswer('Headers or body are wrong, or no line is an event.'),
      401: problemAnswer('No token, or an unknown one.'),
      403: problemAnswer('The token lacks the scope ingest.'),
      413: problemAnswer('The body is too large: send smaller batches.'),
      415: problemAnswer('Neither NDJSON nor gzip.'),
      429: problemAnswer('Too much is waiting; come again after Retry-After seconds.'),
      503: problemAnswer('It cannot be stored now; come again after Retry-After seconds.'),
    },
  }
}

const WHOLE = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }

function header(name: string, schema: Json, description: string): Json {
  return { name, in: 'header', required: true, description, schema }
}

function receiptSchema(): Json {
  const text = { type: 'string' }
  const line = {
    type: 'object',
    properties: {
      line: { type: 'integer', minimum: 1 },
      field: { type: ['string', 'null'] },
      reason: { type: 'string', description: `One of ${[...REFUSALS, 'clock'].join(', ')}.` },
      message: text,
      allowed: text,
    },
    required: ['line', 'field', 'reason', 'message', 'allowed'],
  }
  return {
    type: 'object',
    description: 'What became of a batch.',
    properties: {
      accepted: { type: 'integer', minimum: 0, description: 'Lines taken.' },
      rejected: { type: 'integer', minimum: 0, description: 'Lines kept as dead letters.' },
      duplicate: { type: 'boolean', description: 'It had been stored before; nothing was counted again.' },
      errors: { type: 'array', items: line, description: 'The first 100 rejected lines.' },
    },
    required: ['accepted', 'rejected', 'duplicate', 'errors'],
  }
}
