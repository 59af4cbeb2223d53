import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshake } from './testing/handshakes.ts'
import { openStore, serveApi } from './testing/server.ts'
import { MINUTE } from './window.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../docs/api.md'), 'utf8')
const EXAMPLES = [...DOCUMENT.matchAll(/curl -s "http:\/\/127\.0\.0\.1:8080([^"]*)"/g)].map(
  ([, path = '']) => path,
)

let opened: Awaited<ReturnType<typeof openStore>>
let api: Awaited<ReturnType<typeof serveApi>>
beforeAll(async () => {
  const now = Date.now()
  opened = await openStore()
  await opened.store.write([
    encodeHandshakes([
      handshake({ decided_at: now - MINUTE }),
      handshake({ decided_at: now - MINUTE, asn: 64_501, outcome: 'failed' }),
    ]),
  ])
  api = await serveApi({ store: opened.store, now })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

describe('docs/api.md', () => {
  test.each(EXAMPLES.filter((path) => !/\$next|sucess/.test(path)))('%s answers as written', async (path) => {
    const { status, body } = await api.get(path)
    expect(status, JSON.stringify(body)).toBe(200)
  })

  test('shows the next page as it is asked for', async () => {
    const [first = ''] = EXAMPLES.filter((path) => path === '/v1/networks?limit=1')
    const [second = ''] = EXAMPLES.filter((path) => path.endsWith('cursor=$next'))
    const { body } = await api.get(first)
    const { next_cursor } = body as { next_cursor: string }
    const next = await api.get(second.replace('$next', next_cursor))
    expect(next.body).toMatchObject({ items: [{}], next_cursor: null })
  })

  test('shows the problem that its mistaken request gets', async () => {
    const [mistaken = ''] = EXAMPLES.filter((path) => path.includes('sucess'))
    const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(DOCUMENT) ?? []
    expect((await api.get(mistaken)).body).toEqual(JSON.parse(shown))
  })
})
