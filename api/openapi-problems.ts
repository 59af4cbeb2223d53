type Json = Record<string, unknown>

/** Schemas of the errors, as core/runtime/problem.ts writes them. */
export function problemSchemas(): Record<string, Json> {
  const text = (description: string) => ({ type: 'string', description })
  const properties = {
    type: text('Stable name of the kind of problem, as a relative URI.'),
    title: text('The kind of problem in words.'),
    status: { type: 'integer', description: 'HTTP status.' },
    detail: text('What was wrong with this request, and what to do.'),
  }
  const required = Object.keys(properties)
  return {
    Problem: { type: 'object', description: 'An error, as RFC 9457 has it.', properties, required },
    BadParameters: {
      type: 'object',
      description: 'What is wrong with the parameters of a request, all at once.',
      properties: { ...properties, errors: { type: 'array', items: mistake(text, 'parameter') } },
      required: [...required, 'errors'],
    },
    BadBody: {
      type: 'object',
      description: 'What is wrong with the body of a request, all at once.',
      properties: { ...properties, errors: { type: 'array', items: mistake(text, 'field') } },
      required: [...required, 'errors'],
    },
  }
}

export function problemAnswer(description: string, schema = 'Problem'): Json {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  }
}

function mistake(text: (description: string) => Json, noun: 'parameter' | 'field'): Json {
  return {
    type: 'object',
    properties: {
      [noun]: text('Its name.'),
      message: text('What was wrong.'),
      allowed: text('What is allowed instead.'),
    },
    required: [noun, 'message', 'allowed'],
  }
}
