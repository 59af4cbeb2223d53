import { problemAnswer } from './openapi-problems.ts'

type Json = Record<string, unknown>

/** `GET /v1/divergences/events`: an answer that does not end, which routes of JSON do not have. */
export function changesOperation(change: Json): Json {
  return streamOperation({
    operationId: 'getDivergencesEvents',
    tag: 'Divergences',
    summary: 'Changes of incidents, as they happen',
    events: 'opened, changed, acknowledged or closed',
    repeats: 'nothing left out and nothing twice',
    change,
  })
}

/** `GET /v1/alerts/events`. */
export function alertChangesOperation(change: Json): Json {
  return streamOperation({
    operationId: 'getAlertsEvents',
    tag: 'Alerts',
    summary: 'Changes of alerts, as they happen',
    events: 'fired, changed or resolved',
    repeats:
      'nothing left out; with two evaluators at once one may come twice, under another number but with the same `change`',
    change,
  })
}

function streamOperation(about: {
  operationId: string
  tag: string
  summary: string
  events: string
  repeats: string
  change: Json
}): Json {
  const { operationId, tag, summary, events, repeats, change } = about
  return {
    operationId,
    tags: [tag],
    summary,
    description: `Server-sent events: \`event\` is ${events}, \`data\` the change as JSON on one line, \`id\` its number. From now on, or with \`Last-Event-ID\` everything after that event, ${repeats}. A comment every 15 seconds without an event. Who does not read is disconnected, and resumes in the same way.`,
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
