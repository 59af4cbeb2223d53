import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serializeEvents } from '../core/event/index.ts'
import { hashToken } from '../core/runtime/tokens.ts'
import { temporaryFolder } from '../core/store/testing.ts'
import { ensureAsnDatabase } from '../enricher/asn-database.ts'
import { freePort, halfshake, type Running, run, untilReady } from './testing/processes.ts'

let built: Awaited<ReturnType<typeof temporaryFolder>>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let port: number
const running: Running[] = []

beforeAll(async () => {
  // Once for all: each test has a data folder of its own, and would build its own.
  built = await temporaryFolder()
  await ensureAsnDatabase({ dataFolder: built.path })
}, 120_000)
afterAll(() => built.remove())
beforeEach(async () => {
  folder = await temporaryFolder()
  port = await freePort()
})
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.child.kill('SIGKILL')
    await one.ended
  }
  await folder.remove()
})

describe('halfshake up', () => {
  it('takes events, names their network, answers the API, and ends cleanly on SIGTERM', async () => {
    const { url, process } = await up()
    const batch = serializeEvents([
      event('a', '8.8.8.8'),
      event('b', '::ffff:8.8.4.4'),
      event('c', '10.0.0.1'),
    ])
    expect(await post(url, batch)).toMatchObject({ status: 202, body: { accepted: 3, rejected: 0 } })
    const connections = await (await fetch(`${url}/v1/connections`)).text()
    expect(connections).toMatch(/"asn":15169/)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    for (const line of [
      'halfshake_ingest_events_total 3',
      'halfshake_handshakes_inserted_total 3',
      'halfshake_build_info{version="0.1.0"} 1',
    ]) {
      expect(metrics).toContain(line)
    }
    expect(metrics).toMatch(/^halfshake_asn_database_age_seconds \d/m)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })

  it('recognises a batch that is sent again, also after a restart', async () => {
    const batch = serializeEvents([event('a', '8.8.8.8')])
    const first = await up()
    expect(await post(first.url, batch)).toMatchObject({ body: { accepted: 1, duplicate: false } })
    expect(await post(first.url, batch)).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicate: true },
    })
    first.process.child.kill('SIGKILL')
    await first.process.ended
    const second = await up()
    expect(await post(second.url, batch)).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicate: true },
    })
    const status = await (await fetch(`${second.url}/metrics`)).text()
    expect(status).toContain('halfshake_batches_repeated_total 1')
  })

  it('tells a second start on the same data folder which process holds it, in one line', async () => {
    const { process: first } = await up()
    const second = await run(['up'], {
      ...settings(),
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_LOG_LEVEL: 'error',
    })
    expect(second.code).toBe(1)
    expect(second.output.trim()).toBe(
      `the data folder ${folder.path} is held by process ${first.child.pid} (halfshake up): stop it with "kill ${first.child.pid}", or choose another folder with data.folder`,
    )
  })

  it('says which port is taken and which setting chooses another', async () => {
    await up()
    const other = await temporaryFolder()
    const second = await run(['up'], {
      ...settings(),
      HALFSHAKE_DATA_FOLDER: other.path,
      HALFSHAKE_LOG_LEVEL: 'error',
    })
    await other.remove()
    expect(second).toMatchObject({
      code: 1,
      output: expect.stringMatching(new RegExp(`^port ${port} on 127.0.0.1 is taken.*http.listen`)),
    })
  })

  it('refuses to be reachable by others without tokens', async () => {
    const answer = await run(['up'], { ...settings(), HALFSHAKE_HTTP_LISTEN: `0.0.0.0:${port}` })
    expect(answer).toMatchObject({ code: 1, output: expect.stringMatching(/halfshake token create/) })
  })

  it('keeps each scope to what it is for', async () => {
    const hash = hashToken('hs_edge')
    const { url } = await up({ HALFSHAKE_HTTP_TOKENS: `[{name: edge, hash: "${hash}", scopes: [ingest]}]` })
    const batch = serializeEvents([event('a', '8.8.8.8')])
    expect(await post(url, batch)).toMatchObject({ status: 401 })
    expect(await post(url, batch, { authorization: 'Bearer hs_edge' })).toMatchObject({ status: 202 })
    expect((await fetch(`${url}/v1/networks`)).status).toBe(401)
    expect((await fetch(`${url}/v1/networks`, { headers: { authorization: 'Bearer hs_edge' } })).status).toBe(
      403,
    )
  })
})

describe('halfshake config check', () => {
  it('reads the networks file too', async () => {
    const networks = join(folder.path, 'wrong-networks.csv')
    await writeFile(networks, 'prefix,label\n10.0.0.1/24,Office\n')
    const { code, output } = await run(['config', 'check'], { HALFSHAKE_ENRICHER_NETWORKS: networks })
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('line 2, prefix: ') })
  })

  it('reports every mistake of a file with its place', async () => {
    const file = join(folder.path, 'halfshake.yaml')
    await writeFile(file, 'http:\n  lissten: 1\nlog:\n  level: loud\n')
    const { code, output } = await run(['config', 'check', '--config', file])
    expect(code).toBe(1)
    expect(output).toContain('2 mistakes')
    expect(output).toContain('did you mean listen?')
    expect(output).toContain('log.level')
  })

  it('says that all is well', async () => {
    expect(await run(['config', 'check'], settings())).toMatchObject({
      code: 0,
      output: expect.stringContaining('no mistakes'),
    })
  })
})

describe('halfshake asn lookup', () => {
  it('names the network of each address, of labelled ones too', async () => {
    const networks = join(folder.path, 'networks.csv')
    await writeFile(networks, 'prefix,label,asn\n10.1.0.0/16,Example office,64500\n')
    const env = { ...settings(), HALFSHAKE_ENRICHER_NETWORKS: networks }
    const { code, output } = await run(
      ['asn', 'lookup', '8.8.8.8', '2001:4860:4860::8888', '10.1.2.3', '10.2.0.1', '--json'],
      env,
    )
    expect(code).toBe(0)
    expect(JSON.parse(output)).toMatchObject([
      { address: '8.8.8.8', prefix: '8.8.8.0/24', asn: 15_169, lookup: 'known' },
      { asn: 15_169, prefix: '2001:4860:4860::/48' },
      { asn: 64_500, label: 'Example office' },
      { asn: 0, label: '', lookup: 'unknown' },
    ])
  })

  it('refuses what is no address', async () => {
    expect(await run(['asn', 'lookup', '8.8.8', 'x'], settings())).toMatchObject({
      code: 1,
      output: 'not an IPv4 or IPv6 address: 8.8.8, x\n',
    })
  })
})

function settings(): Record<string, string> {
  return {
    HALFSHAKE_DATA_FOLDER: folder.path,
    HALFSHAKE_ENRICHER_ASN_DATABASE: join(built.path, 'asn.mmdb'),
    HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}`,
    HALFSHAKE_LOG_LEVEL: 'warn',
  }
}

async function up(env: Record<string, string> = {}): Promise<{ url: string; process: Running }> {
  const process = halfshake(['up'], { ...settings(), ...env })
  running.push(process)
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, process)
  return { url, process }
}

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/v1/events`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/x-ndjson',
      'halfshake-agent': 'edge-1',
      'halfshake-epoch': '5',
      'halfshake-sequence': '1',
      ...headers,
    },
  })
  return { status: answer.status, body: (await answer.json()) as unknown }
}

function event(id: string, source_address: string) {
  const now = Date.now()
  return {
    v: 1,
    id,
    state: 'active',
    opened_at: now - 60,
    decided_at: now - 10,
    source_address,
    source_port: 40_000,
    destination_address: '198.51.100.1',
    destination_port: 443,
    bytes_in: 517,
    bytes_out: 4_100,
  } as const
}
