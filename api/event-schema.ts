import { FIELDS, type FieldKind } from '../core/event/index.ts'

type JsonSchema = Record<string, unknown>

/** A connection-state event as JSON Schema: made from the same table that the parser goes by. */
export function eventSchema(): JsonSchema {
  const properties = FIELDS.map(({ name, is, description }) => [name, { ...schemaOf(is), description }])
  return {
    type: 'object',
    description: 'One line of a batch: what became of a connection.',
    properties: Object.fromEntries(properties),
    required: FIELDS.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
    allOf: [
      when('state', 'new', { not: { anyOf: [{ required: ['decided_at'] }, { required: ['ended_by'] }] } }),
      when('state', 'active', { required: ['decided_at'], not: { required: ['ended_by'] } }),
      when('state', 'closed', { required: ['decided_at', 'ended_by'] }),
      when('ended_by', 'alert', { required: ['alert'] }),
    ],
    dependentRequired: { alert: ['alert_side'], alert_side: ['alert'] },
  }
}

function when(field: string, value: string, then: JsonSchema): JsonSchema {
  return { if: { properties: { [field]: { const: value } }, required: [field] }, then }
}

function schemaOf(kind: FieldKind): JsonSchema {
  switch (kind.kind) {
    case 'integer':
      return { type: 'integer', minimum: kind.min, maximum: kind.max }
    case 'string':
      return {
        type: 'string',
        maxLength: kind.maxLength,
        ...(kind.pattern && { pattern: kind.pattern.source }),
      }
    case 'enum':
      return { type: 'string', enum: kind.values }
    case 'boolean':
      return { type: 'boolean' }
    case 'address':
      return { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] }
    default:
      return kind satisfies never
  }
}
