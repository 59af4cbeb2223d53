import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHandshakes } from '../core/store/tables.ts'
import { createChangeTable } from '../detector/change-table.ts'
import { createIncidentTable } from '../detector/incident-table.ts'
import { alertRow } from './testing/alerts.ts'
import { handshake } from './testing/handshakes.ts'
import { openIncident } from './testing/incidents.ts'
import { openStore, serveApi } from './testing/server.ts'
import { MINUTE } from './window.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../docs/api.md'), 'utf8')
/** Single lines that ask for JSON; those that belong together are run by a shell below. */
const EXAMPLES = [...DOCUMENT.matchAll(/curl -s "http:\/\/127\.0\.0\.1:8080([^"]*)"/g)].map(
  ([, path = '']) => path,
)

const BLOCKS = [...DOCUMENT.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
const shell = promisify(execFile)

/** Runs examples at the address where the test serves; those that listen are ended after two seconds. */
function run(block: string, { listen = false } = {}) {
  const here = block.replaceAll('http://127.0.0.1:8080', api.url)
  const script = listen ? here.replaceAll('curl -sN', 'timeout 2 curl -sN') : here
  return shell('bash', [
    '-c',
    listen ? `${script.trim()} || test $? -eq 124` : `set -euo pipefail\n${script}`,
  ])
}

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
  const onset = Math.floor(now / MINUTE) * 60 - 600
  await createIncidentTable(opened.store, createChangeTable(opened.store)).write([openIncident({ onset })])
  await opened.store.insert('alerts', [alertRow({ fired_at: onset })])
  api = await serveApi({ store: opened.store, now })
})
afterAll(async () => {
  await api.close()
  await opened.close()
})

describe('docs/api.md', () => {
  test.each(EXAMPLES.filter((path) => !/\$next|\$id|\$silence|sucess/.test(path)))(
    '%s answers as written',
    async (path) => {
      const { status, body } = await api.get(path)
      expect(status, JSON.stringify(body)).toBe(200)
    },
  )

  test('shows the next page as it is asked for', async () => {
    const [first = ''] = EXAMPLES.filter((path) => path === '/v1/networks?limit=1')
    const [second = ''] = EXAMPLES.filter((path) => path.endsWith('cursor=$next'))
    const { body } = await api.get(first)
    const { next_cursor } = body as { next_cursor: string }
    const next = await api.get(second.replace('$next', next_cursor))
    expect(next.body).toMatchObject({ items: [{}], next_cursor: null })
  })

  test('reads, acknowledges and closes an incident as its shell does', async () => {
    const blocks = BLOCKS.filter((block) => block.includes('$id'))
    expect(blocks).toHaveLength(2)
    const { stdout } = await run(
      blocks.join('\n').replace(/(curl[^\n]*\$id"|\/(?:acknowledge|close)")$/gm, '$1; echo'),
    )
    const [read, acknowledged, closed, ...more] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(more).toEqual([])
    expect(read).toMatchObject({ id: 'incident', history: [{ event: 'opened' }], closing: null })
    expect(acknowledged).toMatchObject({ acknowledgement: { author: 'ada' } })
    expect(closed).toMatchObject({ closing: { author: 'ada', holds_from: null } })
  })

  test('acknowledges an alert and silences it as its shell does', async () => {
    const blocks = BLOCKS.filter((block) => /\$alert|\$silence/.test(block))
    expect(blocks).toHaveLength(2)
    const ended = /^(curl.*| {2}"http.*)(preview"|\$silence"|\/end"|\/acknowledge")$/gm
    const { stdout } = await run(blocks.join('\n').replace(ended, '$1$2; echo'))
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(answers).toMatchObject([
      { id: 'alert', acknowledgement: { author: 'ada', note: 'called them', holds: true } },
      { matches: 1, alerts: ['alert'] },
      { asn: [64_500], state: 'active', mutes_now: true, matches: 1 },
      { state: 'ended', ended: { author: 'ada', reason: 'they are done' } },
    ])
  })

  test('listens to events as its shell does, which an example shows', async () => {
    const [now = '', all = '', ...more] = BLOCKS.filter((block) => block.includes('/divergences/events"'))
    expect(more).toEqual([])
    expect((await run(now, { listen: true })).stdout).toBe('retry: 3000\nid: 1\n\n')
    const { stdout } = await run(all, { listen: true })
    const [, event = ''] = stdout.split('\n\n')
    const shown = /```\n(id: .*\nevent: opened\ndata: \{)/.exec(DOCUMENT)?.[1] ?? 'not shown'
    expect(event.replace(/\d+/, '17')).toContain(shown)
    expect(Object.keys(JSON.parse(event.split('data: ')[1] ?? ''))).toEqual(
      expect.arrayContaining(['sequence', 'event', 'at', 'id']),
    )
  })

  test('listens to events of alerts as its shell does', async () => {
    const [block = ''] = BLOCKS.filter((text) => text.includes('/alerts/events"'))
    expect((await run(block, { listen: true })).stdout).toBe('retry: 3000\nid: 0\n\n')
  })

  test('makes, replaces and deletes a rule, and tests rules, as its shell does', async () => {
    const [write = ''] = BLOCKS.filter((text) => text.includes('-X PUT'))
    const { stdout } = await run(write.replaceAll(/ada"$/gm, 'ada"; echo'))
    const [made, replaced, ...more] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(more).toEqual([])
    expect(made).toMatchObject({ id: 'many-fail', author: 'ada', in_force: true })
    expect(replaced).toMatchObject({ document: { what: { success_rate: { below: '80 %' } } } })
    expect((await api.get('/v1/rules/many-fail')).status).toBe(404)
    const [test = ''] = BLOCKS.filter((text) => text.includes('/backtest"'))
    const lines = (await run(test)).stdout.trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      result: { rules: [{ id: 'any-network-diverges' }, { id: 'new' }] },
    })
  })

  test('shows the problem that its mistaken request gets', async () => {
    const [mistaken = ''] = EXAMPLES.filter((path) => path.includes('sucess'))
    const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(DOCUMENT) ?? []
    expect((await api.get(mistaken)).body).toEqual(JSON.parse(shown))
  })
})
