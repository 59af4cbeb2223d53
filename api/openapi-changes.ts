import { problemAnswer } from './openapi-problems.ts'

type Json = Record<string, unknown>

/** `GET /v1/divergences/events`: an answer that does not end, which routes of JSON do not have. */
export function changesOperation(change: Json): Json {
  return {
    operationId: 'getDivergencesEvents',
    tags: ['Divergences'],
    summary: 'Changes of incidents, as they happen',
    description:
      'Server-sent events: `event` is opened, changed, acknowledged or closed, `data` the change as JSON on one line, `id` its number. From now on, or with `Last-Event-ID` everything after that event, nothing left out and nothing twice. A comment every 15 seconds without an event. Who does not read is disconnected, and resumes in the same way.',
    security: [{ token: ['read'] }],
    parameters: [
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        description: '`id` of the last event that was received; browsers send it by themselves.',
        schema: { type: 'integer', minimum: 0 },
      },
    ],
    responses: {
      200: {
        description: 'Events, until the connection ends. The schema is that of `data`.',
        content: { 'text/event-stream': { schema: change } },
      },
      400: problemAnswer('A parameter, or a Last-Event-ID that no event here has had.', 'BadParameters'),
      401: problemAnswer('No token, or an unknown one.'),
      403: problemAnswer('The token lacks the scope read.'),
      503: problemAnswer('Too many listen already, or the store cannot answer now; see Retry-After.'),
    },
  }
}
