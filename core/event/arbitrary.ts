import fc from 'fast-check'
import type { ConnectionEvent } from './event.ts'
import { FIELDS, type Field, type FieldKind } from './fields.ts'

/** Any event that the contract allows, drawn from the contract's own table: for property tests. */
export function anyEvent(): fc.Arbitrary<ConnectionEvent> {
  const arbitraries = Object.fromEntries(
    FIELDS.map((field) => [
      field.name,
      field.required ? anyValue(field.is) : fc.option(anyValue(field.is), { nil: undefined }),
    ]),
  )
  return fc.record(arbitraries).map(consistent)
}

/** Makes the fields of a drawn event agree with each other, as the contract demands. */
function consistent(drawn: Record<string, unknown>): ConnectionEvent {
  const event = { ...drawn }
  const opened = Number(event['opened_at'])
  if (event['state'] === 'new') delete event['decided_at']
  else event['decided_at'] = Math.max(opened, Number(event['decided_at'] ?? opened))
  if (event['state'] === 'closed') event['ended_by'] ??= 'timeout'
  else delete event['ended_by']
  if (event['ended_by'] === 'alert' || event['alert'] !== undefined || event['alert_side'] !== undefined) {
    event['alert'] ??= 40
    event['alert_side'] ??= 'client'
  }
  const present = Object.entries(event).filter(([, value]) => value !== undefined)
  // Built from the table that the type is checked against.
  return Object.fromEntries(present) as ConnectionEvent
}

export function anyValue(is: FieldKind): fc.Arbitrary<unknown> {
  switch (is.kind) {
    case 'integer':
      return fc.integer({ min: is.min, max: is.max })
    case 'string':
      return is.pattern === undefined
        ? fc
            .string({ unit: 'grapheme', maxLength: is.maxLength })
            .filter((text) => text.length <= is.maxLength && !/\p{Cc}/u.test(text))
        : fc.stringMatching(is.pattern).filter((text) => text.length <= is.maxLength)
    case 'enum':
      return fc.constantFrom(...is.values)
    case 'boolean':
      return fc.boolean()
    case 'address':
      return fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        fc.ipV4().map((address) => `::ffff:${address}`),
      )
    default:
      return is satisfies never
  }
}

/** A field of the contract, for tests that break one at a time. */
export function anyField(): fc.Arbitrary<Field> {
  return fc.constantFrom<Field>(...FIELDS)
}
