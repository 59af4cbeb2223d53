import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Message } from '../alerts/message.ts'
import { startReceiver } from '../alerts/testing/receiver.ts'
import { serveApi } from '../api/testing/server.ts'
import { encodeHandshakes } from '../core/store/tables.ts'
import { handshakeRow, storeAt, temporaryFolder } from '../core/store/testing.ts'
import { ensureAsnDatabase } from '../enricher/asn-database.ts'
import { freePort, halfshake, type Running, run, untilReady } from './testing/processes.ts'

let built: Awaited<ReturnType<typeof temporaryFolder>>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let port: number
const running: Running[] = []

beforeAll(async () => {
  built = await temporaryFolder()
  await ensureAsnDatabase({ dataFolder: built.path })
}, 120_000)
afterAll(() => built.remove())
beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder.path, 'rules'))
  port = await freePort()
})
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.child.kill('SIGKILL')
    await one.ended
  }
  await folder.remove()
})

const GOOD = 'rules:\n  - { id: quiet, who: { any: true }, what: { no_data: }, for: 1m }\n'
const BAD = 'rules:\n  - { id: quiet, who: { any: yes please }, what: { no_dat: }, for: 1m }\n'

function settings(env: Record<string, string> = {}): Record<string, string> {
  return {
    HALFSHAKE_DATA_FOLDER: join(folder.path, 'data'),
    HALFSHAKE_ENRICHER_ASN_DATABASE: join(built.path, 'asn.mmdb'),
    HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}`,
    HALFSHAKE_LOG_LEVEL: 'warn',
    HALFSHAKE_ALERTS_RULES: join(folder.path, 'rules'),
    HALFSHAKE_DETECTOR_WATERMARK: '5s',
    ...env,
  }
}

const writeRules = (text: string) => writeFile(join(folder.path, 'rules', 'rules.yaml'), text)

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

describe('halfshake up with rules', () => {
  it('does not start with bad ones, and lists every mistake', async () => {
    await writeRules(BAD)
    const { code, output } = await run(['up'], settings())
    expect(code).toBe(1)
    expect(output).toMatch(
      /2 mistakes:\n {2}rules.yaml:2 .*who\.any.*\n {2}rules.yaml:2 .*did you mean no_data\?/,
    )
  })

  it('tells a webhook what a rule finds, and keeps the last good rules while a file is bad', async () => {
    const receiver = await startReceiver()
    await writeRules(GOOD)
    const receivers = `[{name: ops, type: webhook, url: "${receiver.url}"}]`
    const process = halfshake(['up'], settings({ HALFSHAKE_ALERTS_RECEIVERS: receivers }))
    running.push(process)
    const url = `http://127.0.0.1:${port}`
    await untilReady(url, process)
    await fetch(`${url}/v1/rules`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'stored', who: { any: true }, what: { no_data: null }, for: '1m' }),
    })
    await writeRules(BAD)
    const reason = await until(async () => {
      const { checks } = (await (await fetch(`${url}/readyz`)).json()) as {
        checks: { name: string; warning?: string }[]
      }
      return checks.find(({ name }) => name === 'alert rules')?.warning
    })
    expect(reason).toMatch(/last good rules are in force.*rules.yaml:2/)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('halfshake_alert_rules_bad_files 1')
    // Nothing comes from anybody: the rule that was good says so when a whole minute has passed.
    const messageOf = (id: string) =>
      until(async () => receiver.received.find(({ body }) => (body as Message).rule.id === id)?.body)
    // And so does the one that was made through the API.
    for (const id of ['quiet', 'stored']) {
      expect(await messageOf(id)).toMatchObject({
        status: 'firing',
        alerts: [{ kind: 'no_data', scope: 'world' }],
      })
      const { items } = (await (await fetch(`${url}/v1/alerts?rule=${id}`)).json()) as { items: unknown[] }
      expect(items).toHaveLength(1)
    }
    await receiver.close()
  }, 240_000)
})

/** What the API's backtest says of the rule `low` and the same store; without how long, which the command's JSON leaves out. */
async function testedByApi(now: number): Promise<unknown> {
  const store = storeAt(join(folder.path, 'data'))
  await store.start()
  const api = await serveApi({ store, now, folder: join(folder.path, 'rules') })
  const { body } = await api.get('/v1/rules/backtest', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rules: ['low'], from: '-1h' }),
  })
  await api.close()
  await store.stop()
  const { result } = JSON.parse(String(body).trim().split('\n').at(-1) ?? '') as {
    result: { alerts: { seconds: number }[] }
  }
  return result.alerts.map(({ seconds: _, ...alert }) => alert)
}

describe('halfshake rules', () => {
  it('checks a file, a folder, or what is configured', async () => {
    await writeRules(GOOD)
    const file = join(folder.path, 'rules', 'rules.yaml')
    expect(await run(['rules', 'check', file], settings())).toEqual({
      code: 0,
      output: '1 rule, no mistakes.\n',
    })
    expect(await run(['rules', 'check'], settings())).toMatchObject({ output: '2 rules, no mistakes.\n' })
    await writeRules(BAD)
    expect(await run(['rules', 'check'], settings())).toMatchObject({
      code: 1,
      output: expect.stringContaining('2 mistakes'),
    })
    expect(await run(['rules', 'check', '/nowhere.yaml'], settings())).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^the file of rules is \/nowhere.yaml, which cannot be read/),
    })
  })

  it('prints the JSON Schema of files of rules', async () => {
    const { code, output } = await run(['rules', 'schema'])
    expect([code, JSON.parse(output)]).toMatchObject([0, { properties: { rules: { type: 'array' } } }])
  })

  it('tests a file on what is stored', async () => {
    await writeRules(
      'rules:\n  - { id: low, who: { asn: 64500 }, what: { success_rate: { below: 90 %, over: 1m } }, minimum_handshakes: 5 }\n',
    )
    const store = storeAt(join(folder.path, 'data'))
    await store.start()
    const start = Math.floor(Date.now() / 60_000) * 60_000 - 40 * 60_000
    const rows = Array.from({ length: 300 }, (_, i) =>
      handshakeRow({
        decided_at: start + i * 6_000,
        ...(i >= 50 && i < 80 && { outcome: 'failed', stage: 'hello', cause: 'slow' }),
      }),
    )
    await store.write([encodeHandshakes(rows)])
    await store.stop()
    const file = join(folder.path, 'rules', 'rules.yaml')
    const { code, output } = await run(['rules', 'test', file, '--since', '1h', '--json'], settings())
    expect(code).toBe(0)
    const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString().replace('.000', '')
    expect(JSON.parse(output)).toMatchObject([
      {
        rule: 'low',
        asn: 64_500,
        started_at: at(5),
        fired_at: at(6),
        resolved_at: at(13),
        resolution: 'recovered',
      },
    ])
    expect(await testedByApi(start + 2_400_000)).toEqual(JSON.parse(output))
    const words = await run(['rules', 'test', file, '--since', '1h'], settings())
    expect(words.output).toMatch(/AS64500[\s\S]*low: 1 alert in \d+ minutes/)
  })
})

describe('halfshake demo', () => {
  it('raises one alert by the shipped rule, about the network that is broken, with its cause', async () => {
    const { code, output } = await run(['demo', '--json', '--port', '0'])
    expect(code).toBe(0)
    const { broken, alerts } = JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? '') as {
      broken: { asn: number }
      alerts: unknown[]
    }
    expect(alerts).toMatchObject([
      {
        rule: 'any-network-diverges',
        asn: broken.asn,
        state: 'firing',
        explanation: expect.stringContaining('mtu_inbound'),
      },
    ])
  }, 300_000)
})
