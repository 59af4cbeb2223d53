import { h } from '../parts/dom.js'

const DEEPEST = 6

/** A JSON Schema as a nested list of fields; references are followed. */
export function schemaDetails(schema, schemas, depth = 0) {
  const resolved = resolve(schema, schemas)
  const inner = resolved.items === undefined ? resolved : resolve(resolved.items, schemas)
  if (inner.properties === undefined || depth > DEEPEST) return h('p', {}, typeOf(resolved))
  const required = new Set(inner.required ?? [])
  return h(
    'ul',
    { class: 'fields' },
    Object.entries(inner.properties).map(([name, property]) => {
      const target = plain(property, schemas)
      const nested = hasFields(target, schemas)
      const about = [
        h('code', {}, name),
        ' ',
        h('span', { class: 'muted' }, typeOf(property, schemas), required.has(name) ? '' : ', optional'),
        ' ',
        property.description ?? (nested ? target.description : '') ?? '',
      ]
      if (!nested) return h('li', {}, about)
      return h(
        'li',
        {},
        h(
          'details',
          { open: depth === 0 },
          h('summary', {}, about),
          schemaDetails(target, schemas, depth + 1),
        ),
      )
    }),
  )
}

/** The type in a few words: integer from 1 to 200, one of asc, desc, list of Incident. */
export function typeOf(schema, schemas = {}) {
  if (schema.$ref !== undefined) return nameOf(schema.$ref)
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((option) => option.format ?? typeOf(option, schemas)).join(' or ')
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {}, schemas)}`
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'any')
  const { minimum, maximum, maxLength, format } = schema
  if (format === 'date-time') return 'time'
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
    return `${type} from ${minimum} to ${maximum}`
  return maxLength === undefined ? type : `${type} of at most ${maxLength} characters`
}

function hasFields(schema, schemas) {
  const inner = schema.items === undefined ? schema : resolve(schema.items, schemas)
  return inner.properties !== undefined
}

/** What is behind a reference, or behind "this or null". */
function plain(schema, schemas) {
  const option = schema.anyOf?.find(({ type }) => type !== 'null') ?? schema
  return resolve(option, schemas)
}

function resolve(schema, schemas) {
  return schema.$ref === undefined ? schema : (schemas[nameOf(schema.$ref)] ?? {})
}

function nameOf(reference) {
  return reference.split('/').at(-1)
}
