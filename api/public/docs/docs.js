import { byId, h, withCode } from '../parts/dom.js'
import { schemaDetails, typeOf } from './schema.js'

/** Renders the OpenAPI document that this server serves. */
async function show() {
  try {
    const response = await fetch('/v1/openapi.json')
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    render(await response.json())
  } catch (error) {
    byId('content').replaceChildren(
      h(
        'p',
        { class: 'card bad', role: 'alert' },
        `The document could not be read: ${error.message}. Load the page again.`,
      ),
    )
  }
}

function render(document) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  )
  const groups = document.tags.map((tag) => ({
    ...tag,
    operations: operations.filter(({ tags }) => tags.includes(tag.name)),
  }))
  byId('contents').replaceChildren(...groups.flatMap(contentsOf))
  byId('content').replaceChildren(
    h('p', {}, document.info.description),
    h('p', { class: 'muted' }, `Version ${document.info.version}. `, authentication(document)),
    ...groups.map((group) =>
      h(
        'section',
        { 'aria-labelledby': `tag-${group.name}` },
        h('h2', { id: `tag-${group.name}` }, group.name),
        h('p', { class: 'muted' }, group.description),
        group.operations.map((operation) => operationCard(operation, document)),
      ),
    ),
  )
  // What the address points to exists only now.
  if (location.hash.length > 1) window.document.getElementById(location.hash.slice(1))?.scrollIntoView()
}

function authentication(document) {
  return withCode(document.components.securitySchemes.token.description)
}

function contentsOf({ name, operations }) {
  return [
    h('strong', {}, name),
    h(
      'ul',
      {},
      operations.map(({ operationId, summary }) => h('li', {}, h('a', { href: `#${operationId}` }, summary))),
    ),
  ]
}

function operationCard(operation, document) {
  const {
    operationId,
    method,
    path,
    summary,
    description,
    security,
    parameters = [],
    requestBody,
    responses,
  } = operation
  const scope = security?.[0]?.token?.[0]
  return h(
    'article',
    { class: 'card operation', id: operationId },
    h('h3', {}, h('code', {}, `${method.toUpperCase()} ${path}`), ` ${summary}`),
    h('p', {}, withCode(description)),
    h(
      'p',
      { class: 'muted' },
      scope === undefined ? 'Needs no token.' : ['Scope ', h('code', {}, scope), '.'],
    ),
    h('pre', {}, h('code', {}, curlFor(operation))),
    parameters.length > 0 && [h('h4', {}, 'Parameters'), parametersTable(parameters)],
    requestBody !== undefined && [h('h4', {}, 'Body'), bodies(requestBody.content, document)],
    h('h4', {}, 'Answers'),
    Object.entries(responses).map(([status, response]) =>
      h(
        'div',
        {},
        h('p', {}, h('strong', {}, status), ' ', withCode(response.description)),
        status.startsWith('2') && bodies(response.content ?? {}, document),
      ),
    ),
  )
}

function parametersTable(parameters) {
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      { class: 'cards parameters' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Name', 'Type', 'What'].map((title) => h('th', { scope: 'col' }, title)),
        ),
      ),
      h(
        'tbody',
        {},
        parameters.map(({ name, in: where, required, schema, description }) =>
          h(
            'tr',
            {},
            h(
              'td',
              {},
              h('code', {}, name),
              where === 'query' ? '' : ` ${where}`,
              required ? ' (required)' : '',
            ),
            h('td', {}, typeOf(schema)),
            h(
              'td',
              { class: 'wide' },
              withCode(description),
              schema.default === undefined
                ? ''
                : [' Default ', h('code', {}, JSON.stringify(schema.default)), '.'],
              schema.examples === undefined
                ? ''
                : [
                    ' As ',
                    schema.examples.map((example, i) => [i > 0 ? ' or ' : '', h('code', {}, example)]),
                    '.',
                  ],
            ),
          ),
        ),
      ),
    ),
  )
}

function bodies(content, document) {
  return Object.entries(content).map(([type, { schema }]) =>
    h(
      'details',
      {},
      h('summary', {}, h('code', {}, type)),
      schemaDetails(schema, document.components.schemas),
    ),
  )
}

function curlFor({ method, path, parameters = [], security, requestBody, responses }) {
  const url = `${location.origin}${path.replace('{asn}', 'AS64500').replace('{id}', '$ID')}`
  const token = security?.length === 0 ? '' : ' -H "Authorization: Bearer $TOKEN"'
  const streams = responses[200]?.content?.['text/event-stream'] !== undefined
  if (method === 'get') return `curl -s${streams ? 'N' : ''}${token} "${url}"`
  const verb = method === 'post' ? '' : ` -X ${method.toUpperCase()}`
  const condition = parameters.some(({ name }) => name === 'If-Match') ? ` -H "If-Match: $ETAG"` : ''
  if (method === 'delete') return `curl -s${verb}${condition}${token} "${url}"`
  const fields = requestBody?.content['application/json']?.schema.properties
  if (fields !== undefined) {
    const body = JSON.stringify(Object.fromEntries(Object.keys(fields).map((name) => [name, '…'])))
    return `curl -s${verb}${condition}${token} -H 'Content-Type: application/json' -d '${body}' "${url}"`
  }
  const headers = parameters
    .filter((parameter) => parameter.in === 'header')
    .map(({ name, schema }) => ` -H '${name}: ${schema.type === 'integer' ? 1 : 'my-agent'}'`)
  return `curl -s${token}${headers.join('')} -H 'Content-Type: application/x-ndjson' --data-binary @events.ndjson "${url}"`
}

void show()
