import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createToken } from '../core/runtime/tokens.ts'
import { temporaryFolder } from '../core/store/testing.ts'
import { type Answer, openStore, serveApi } from './testing/server.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const FILE = `lists: { partners: [64500, AS64501] }
rules:
  - id: from-file
    who: { list: partners }
    what: { divergence: }
`
const RULE = { id: 'mine', who: { list: 'partners' }, what: { success_rate: { below: '95 %' } }, for: '10m' }

let opened: Awaited<ReturnType<typeof openStore>>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let api: Awaited<ReturnType<typeof serveApi>>

beforeAll(async () => {
  opened = await openStore()
})
afterAll(() => opened.close())
beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder.path, 'rules'))
  await writeRules(FILE)
  await opened.store.command('TRUNCATE TABLE alert_rules')
  api = await serve()
})
afterEach(async () => {
  await api.close()
  await folder.remove()
})

const serve = (receivers = ['ops']) =>
  serveApi({ store: opened.store, now: NOW, folder: join(folder.path, 'rules'), receivers })
const writeRules = (text: string) => writeFile(join(folder.path, 'rules', 'a.yaml'), text)

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return api.get(path, { method, ...json, headers: { ...type, ...headers } })
}
const create = (rule: unknown = RULE) => send('POST', '/v1/rules?author=ada', rule)
const etagOf = ({ headers }: Answer) => headers.get('etag') ?? ''
const brief = ({ status, body }: Answer) => [status, (body as { type?: string }).type]

type Operation = {
  parameters: { name: string }[]
  responses: Record<string, { headers?: Record<string, unknown> }>
}

describe('rules of the API', () => {
  test('are made, read, replaced and deleted, each with its ETag', async () => {
    const made = await create()
    expect([made.status, made.headers.get('location')]).toEqual([201, '/v1/rules/mine'])
    expect(made.body).toEqual({
      id: 'mine',
      source: 'api',
      file: null,
      line: null,
      in_force: true,
      mistakes: [],
      document: RULE,
      etag: etagOf(made),
      author: 'ada',
      updated_at: '2026-11-21T12:00:00.000Z',
    })
    expect(api.rules.rules().find(({ id }) => id === 'mine')).toMatchObject({
      who: { asns: [64_500, 64_501] },
      for_s: 600,
    })
    const read = await api.get('/v1/rules/mine')
    expect([read.body, etagOf(read)]).toEqual([made.body, etagOf(made)])
    const changed = { ...RULE, for: '5m' }
    const replaced = await send('PUT', '/v1/rules/mine', changed, { 'if-match': etagOf(read) })
    expect([replaced.status, replaced.body]).toMatchObject([200, { document: changed }])
    expect(etagOf(replaced)).not.toBe(etagOf(read))
    const gone = await send('DELETE', '/v1/rules/mine', undefined, { 'if-match': etagOf(replaced) })
    expect([gone.status, gone.body]).toEqual([204, ''])
    expect(brief(await api.get('/v1/rules/mine'))).toEqual([404, '/problems/unknown-rule'])
    const again = await create()
    expect(again.status).toBe(201)
    expect([etagOf(made), etagOf(replaced)]).not.toContain(etagOf(again))
  })

  test('are all listed with where they come from, also by another server, which has what was written', async () => {
    await create()
    const other = await serve()
    const { body } = await other.get('/v1/rules')
    await other.close()
    expect(body).toMatchObject({
      items: [
        { id: 'any-network-diverges', source: 'shipped', file: null, in_force: true, etag: null },
        {
          id: 'from-file',
          source: 'file',
          file: 'a.yaml',
          line: 3,
          document: { id: 'from-file', who: { list: 'partners' }, what: { divergence: null } },
        },
        { id: 'mine', source: 'api', in_force: true },
      ],
      file_mistakes: [],
    })
  })

  test('are replaced or deleted only by those who know them as they are', async () => {
    const made = await create()
    const put = (headers: Record<string, string>) => send('PUT', '/v1/rules/mine', RULE, headers)
    const del = (headers: Record<string, string>) => send('DELETE', '/v1/rules/mine', undefined, headers)
    for (const write of [put, del]) {
      expect(brief(await write({}))).toEqual([428, '/problems/condition-needed'])
      const other = await write({ 'if-match': '"1-0"' })
      expect(brief(other)).toEqual([412, '/problems/rule-changed'])
      expect(etagOf(other)).toBe(etagOf(made))
      expect(brief(await write({ 'if-match': `W/${etagOf(made)}` }))).toEqual([412, '/problems/rule-changed'])
    }
    expect(brief(await put({ 'if-none-match': '*' }))).toEqual([412, '/problems/rule-changed'])
    expect((await put({ 'if-match': '*' })).status).toBe(200)
    expect(brief(await create())).toEqual([409, '/problems/rule-exists'])
  })

  test('are made by PUT with If-None-Match', async () => {
    const made = await send('PUT', '/v1/rules/mine', RULE, { 'if-none-match': '*' })
    expect([made.status, made.headers.get('location')]).toEqual([201, '/v1/rules/mine'])
    const wrong = await send('PUT', '/v1/rules/other', RULE, { 'if-none-match': '*' })
    expect(wrong.body).toMatchObject({ status: 400, errors: [{ field: 'id', allowed: 'other' }] })
    const absent = await send('PUT', '/v1/rules/nobody', RULE, { 'if-match': '"1-0"' })
    expect(brief(absent)).toEqual([404, '/problems/unknown-rule'])
  })

  test('are answered with the statuses and headers that the OpenAPI document says', async () => {
    const { body } = await api.get('/v1/openapi.json')
    const { paths } = body as { paths: Record<string, Record<string, Operation>> }
    const told = (path: string, method: string, status: number) =>
      Object.keys(paths[path]?.[method]?.responses[status]?.headers ?? {})
    const answers = [
      ['/v1/rules/{id}', 'put', await send('PUT', '/v1/rules/mine', RULE, { 'if-none-match': '*' })],
      ['/v1/rules/{id}', 'put', await send('PUT', '/v1/rules/mine', RULE, { 'if-match': '*' })],
      ['/v1/rules/{id}', 'get', await api.get('/v1/rules/mine')],
      ['/v1/rules', 'post', await create({ ...RULE, id: 'other' })],
    ] as const
    for (const [path, method, { status, headers }] of answers) {
      const sent = ['ETag', 'Location'].filter((name) => headers.has(name))
      expect([method, status, told(path, method, status)]).toEqual([method, status, sent])
    }
    const names = (paths['/v1/rules/{id}']?.['put']?.parameters ?? []).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['If-Match', 'If-None-Match']))
  })

  test('are won by exactly one of many who replace the same at once', async () => {
    const etag = etagOf(await create())
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        send('PUT', '/v1/rules/mine', { ...RULE, summary: `${i}` }, { 'if-match': etag }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)])
    const winner = answers.find(({ status }) => status === 200)
    expect((await api.get('/v1/rules/mine')).body).toEqual(winner?.body)
    const creations = await Promise.all(Array.from({ length: 4 }, () => create({ ...RULE, id: 'new' })))
    expect(creations.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
  })

  test('are refused with every mistake, as in a file', async () => {
    const { status, body } = await create({
      id: 'mine',
      who: { list: 'partner', prefix: '192.0.2.0/28' },
      what: { cause_share: { cause: 'mtu_inbound', above: '20 %' } },
      receivers: ['opps'],
    })
    expect([status, body]).toMatchObject([
      400,
      {
        type: '/problems/bad-rule',
        errors: [
          { field: 'who.list', message: 'there is no list partner', allowed: 'did you mean partners?' },
          { field: 'receivers', allowed: 'did you mean ops?' },
          { field: 'who.prefix', allowed: 'at most /24' },
        ],
      },
    ])
    const unknown = await create({ id: 'x y', who: { any: true }, what: {}, severty: 'info' })
    expect(unknown.body).toMatchObject({
      errors: expect.arrayContaining([
        { field: 'severty', message: 'unknown key severty', allowed: 'did you mean severity?' },
        expect.objectContaining({ field: 'id' }),
        expect.objectContaining({ field: 'what' }),
      ]),
    })
    for (const id of ['schema', 'backtest'])
      expect((await create({ ...RULE, id })).body).toMatchObject({ errors: [{ field: 'id' }] })
    expect(brief(await create([]))).toEqual([400, '/problems/bad-body'])
    expect((await create({ ...RULE, summary: 'x'.repeat(300_000) })).status).toBe(413)
  })
})

describe('a rule of a file', () => {
  test('is read-only, and says where it stands', async () => {
    const rule = { ...RULE, id: 'from-file' }
    for (const refused of [
      await create(rule),
      await send('PUT', '/v1/rules/from-file', rule, { 'if-match': '*' }),
      await send('PUT', '/v1/rules/from-file', rule, { 'if-none-match': '*' }),
      await send('DELETE', '/v1/rules/from-file', undefined, { 'if-match': '*' }),
    ]) {
      expect(refused.body).toMatchObject({
        status: 409,
        type: '/problems/rule-in-file',
        detail: expect.stringContaining('a.yaml:3'),
        file: 'a.yaml',
        line: 3,
      })
    }
    expect((await api.get('/v1/rules/from-file')).headers.get('etag')).toBeNull()
  })

  test('is told from the shipped one, which the configuration takes out of force', async () => {
    const shipped = '/v1/rules/any-network-diverges'
    const { status, body } = await send('DELETE', shipped, undefined, { 'if-match': '*' })
    expect([status, body]).toMatchObject([
      409,
      { type: '/problems/rule-shipped', detail: expect.stringContaining('alerts.default_rule: false') },
    ])
  })

  test('with the id of a stored one puts that out of force, which can then be deleted', async () => {
    const etag = etagOf(await create())
    await writeRules(FILE.replace('from-file', 'mine'))
    const { body } = await api.get('/v1/rules/mine')
    expect(body).toMatchObject({
      source: 'api',
      in_force: false,
      mistakes: [{ field: 'id', message: expect.stringContaining('a.yaml:3') }],
    })
    expect(api.rules.rules().map(({ id, file }) => [id, file])).toEqual([
      ['any-network-diverges', 'shipped'],
      ['mine', 'a.yaml'],
    ])
    expect((await send('PUT', '/v1/rules/mine', RULE, { 'if-match': etag })).status).toBe(409)
    expect((await send('DELETE', '/v1/rules/mine', undefined, { 'if-match': etag })).status).toBe(204)
    expect((await api.get('/v1/rules/mine')).body).toMatchObject({ source: 'file' })
  })
})

describe('a stored rule that can no longer be used', () => {
  test('is out of force with its mistakes, takes no other down, and comes back', async () => {
    await create()
    await create({ id: 'other', who: { any: true }, what: { divergence: {} }, receivers: 'ops' })
    await create({ id: 'third', who: { any: true }, what: { divergence: {} } })
    await writeRules('rules: []\n')
    expect((await api.get('/v1/rules/mine')).body).toMatchObject({ in_force: false })
    const without = await serve([])
    const { body } = await without.get('/v1/rules')
    expect((body as { items: { id: string; in_force: boolean }[] }).items).toMatchObject([
      { id: 'any-network-diverges', in_force: true },
      { id: 'mine', in_force: false, mistakes: [{ field: 'who.list' }] },
      { id: 'other', in_force: false, mistakes: [{ field: 'receivers' }] },
      { id: 'third', in_force: true },
    ])
    expect(without.rules.check.check()).toMatchObject({
      ready: true,
      warning: expect.stringMatching(
        /stored rule mine is not in force: who.list: there is no list partners.*other/,
      ),
    })
    expect(await without.registry.metrics()).toMatch(/halfshake_alert_rules_unusable 2\n/)
    await without.close()
    await writeRules(FILE)
    await api.get('/v1/rules')
    expect(api.rules.rules()).toHaveLength(5)
    expect(api.rules.check.check()).toEqual({ ready: true })
  })

  test('is so as well when it is no JSON, or of another id', async () => {
    const row = { author: '', deleted: false, revision: 1, updated_at: 0 }
    const document = JSON.stringify({ ...RULE, id: 'mine' })
    await opened.store.insert('alert_rules', [
      { ...row, id: 'broken', document: '{' },
      { ...row, id: 'moved', document },
    ])
    expect((await api.get('/v1/rules')).body).toMatchObject({
      items: [{}, {}, { id: 'broken', in_force: false }, { id: 'moved', in_force: false }],
    })
    expect(api.rules.rules()).toHaveLength(2)
  })
})

describe('a rule with thousands of mistakes', () => {
  test('is refused with the first of them, and how many more there are', async () => {
    const { status, body } = await create({ ...RULE, who: { asn: Array(9_000).fill('x'.repeat(20)) } })
    const { errors } = body as { errors: { field: string; message: string }[] }
    expect([status, errors.length, errors.at(-1)]).toMatchObject([
      400,
      51,
      { message: 'and 8950 more mistakes' },
    ])
  })

  test('is shown no longer than a person reads', async () => {
    const { body } = await create({ ...RULE, severity: 'x'.repeat(200_000) })
    expect((body as { errors: object[] }).errors).toMatchObject([
      { field: 'severity', message: `"${'x'.repeat(79)}… is not allowed` },
    ])
  })
})

describe('a rule that would stop the evaluation of all', () => {
  test.each([
    ['nested without end', `{"id":"deep","who":{"asn":${'['.repeat(90_000)}${']'.repeat(90_000)}}}`],
    [
      'named by half a pair of surrogates',
      '{"id":"half","who":{"any":true,"site":"x\\ud800y"},"what":{"no_data":null},"for":"1m"}',
    ],
  ])('is refused: one that is %s', async (_what, body) => {
    const answer = await api.get('/v1/rules', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(answer.status).toBe(400)
    expect(api.rules.stored()).toEqual([])
  })
})

describe('files with mistakes', () => {
  test('leave their last good rules in force, and the list says what is wrong', async () => {
    await api.get('/v1/rules')
    await writeRules('rules: [{ id: x }]\n')
    const { body } = await api.get('/v1/rules')
    expect(body).toMatchObject({
      items: [{}, { id: 'from-file' }],
      file_mistakes: [
        { file: 'a.yaml', line: 1, field: 'rules[0].who' },
        { file: 'a.yaml', line: 1, field: 'rules[0].what' },
      ],
    })
  })
})

describe('tokens', () => {
  test('read rules with read, write them with admin, and the schema needs none', async () => {
    const reader = createToken()
    const guarded = await serveApi({
      store: opened.store,
      now: NOW,
      tokens: [{ name: 'reader', hash: reader.hash, scopes: ['read'] }],
    })
    const headers = { authorization: `Bearer ${reader.token}`, 'content-type': 'application/json' }
    const init = (method: string) => ({ method, headers, body: JSON.stringify(RULE) })
    expect((await guarded.get('/v1/rules', { headers })).status).toBe(200)
    expect((await guarded.get('/v1/rules', init('POST'))).status).toBe(403)
    expect((await guarded.get('/v1/rules/mine', init('PUT'))).status).toBe(403)
    expect((await guarded.get('/v1/rules/mine', { method: 'DELETE', headers })).status).toBe(403)
    expect((await guarded.get('/v1/rules')).status).toBe(401)
    const schema = await guarded.get('/v1/rules/schema')
    expect([schema.status, schema.headers.get('content-type')]).toEqual([
      200,
      'application/schema+json; charset=utf-8',
    ])
    expect(schema.body).toMatchObject({ properties: { rules: {} } })
    await guarded.close()
  })
})
