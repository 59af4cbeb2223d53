import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../core/bus/kafka/broker/testing.ts'
import { plainKafka, until } from '../../core/bus/kafka/testing.ts'
import { hashToken } from '../../core/runtime/tokens.ts'
import { temporaryFolder } from '../../core/store/testing.ts'
import { ensureAsnDatabase } from '../../enricher/asn-database.ts'
import { freePort, halfshake, type Running, run, untilReady } from '../testing/processes.ts'

let broker: Broker
let built: Awaited<ReturnType<typeof temporaryFolder>>
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let settings: Record<string, string>
const running: Running[] = []

beforeAll(async () => {
  built = await temporaryFolder()
  await ensureAsnDatabase({ dataFolder: built.path })
  broker = await startBroker({ users: { edge: 'kafka password' } })
  await writeFile(join(built.path, 'ca.pem'), broker.secure?.ca ?? '')
  await writeFile(join(built.path, 'kafka-password'), 'kafka password\n')
  await writeFile(join(built.path, 'store-password'), 'store password\n')
})
afterAll(async () => {
  await broker.stop()
  await built.remove()
})
beforeEach(async () => {
  folder = await temporaryFolder()
  const storePort = await freePort()
  settings = {
    HALFSHAKE_LOG_LEVEL: 'warn',
    HALFSHAKE_DATA_FOLDER: folder.path,
    HALFSHAKE_ENRICHER_ASN_DATABASE: join(built.path, 'asn.mmdb'),
    HALFSHAKE_KAFKA_BROKERS: broker.secure?.brokers.join(',') ?? '',
    HALFSHAKE_KAFKA_PARTITIONS: '1',
    HALFSHAKE_KAFKA_TLS: 'true',
    HALFSHAKE_KAFKA_TLS_CA: join(built.path, 'ca.pem'),
    HALFSHAKE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    HALFSHAKE_KAFKA_SASL_USERNAME: 'edge',
    HALFSHAKE_KAFKA_SASL_PASSWORD_FILE: join(built.path, 'kafka-password'),
    HALFSHAKE_STORE_URL: `http://127.0.0.1:${storePort}`,
    HALFSHAKE_STORE_USER: 'halfshake',
    HALFSHAKE_STORE_PASSWORD_FILE: join(built.path, 'store-password'),
  }
  await startStore(storePort)
})
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  await folder.remove()
})

describe('steps as processes of their own', () => {
  it('read through TLS and SASL, keep what is no batch, and give it back or throw it away', async () => {
    const enricher = await start('enricher')
    await untilReady(enricher.url, enricher.process)
    await sendRubbish(['rubbish', 'more\u001b[31m rubbish'])
    const letters = await until(listLetters, (found) => found.length === 2)
    expect(letters).toMatchObject([{ reason: 'unknown_schema' }, { reason: 'unknown_schema' }])
    expect(Buffer.from(letters[0]?.value ?? '', 'base64').toString()).toBe('rubbish')

    const table = await run(['dead-letters', 'list'], settings)
    expect(table.output).toMatch(/offset +moved at +reason/)
    expect(table.output).not.toContain('\u001b[31m')

    const [first] = letters
    const replayed = await run(['dead-letters', 'replay', '--until', String(first?.offset)], settings)
    expect(replayed).toEqual({ code: 0, output: '1 sent again, 0 kept because they are not whole.\n' })
    const again = await until(
      listLetters,
      (found) => found.length === 2 && found[0]?.offset === (first?.offset ?? 0) + 1,
    )
    const last = String(again.at(-1)?.offset)
    expect(await run(['dead-letters', 'drop', '--until', last], settings)).toEqual({
      code: 0,
      output: '2 thrown away.\n',
    })
    expect(await listLetters()).toEqual([])
  })

  it.each(['enricher', 'detector', 'api'])(
    '%s ends with one sentence when the store refuses its password',
    async (step) => {
      const ended = await run([step], {
        ...settings,
        HALFSHAKE_STORE_USER: 'somebody',
        HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      })
      expect(ended.code).toBe(1)
      expect(lastLine(ended.output)).toMatch(
        /does not know user somebody with this password: check store.user and store.password/,
      )
    },
  )

  it('stays unready with one sentence when Kafka refuses its password', async () => {
    const wrong = { HALFSHAKE_KAFKA_SASL_PASSWORD_FILE: join(built.path, 'store-password') }
    const { url, process } = await start('ingest', wrong)
    const answer = await until(
      () =>
        fetch(`${url}/readyz`).then(
          (response) => response.text(),
          () => '',
        ),
      (text) => text.includes('refused'),
    )
    expect(answer).toContain('refused user edge (scram-sha-512): check user name, password and mechanism')
    expect(process.output()).not.toContain('store password')
  })

  it('names the file of a secret that is not there', async () => {
    const missing = { ...settings, HALFSHAKE_STORE_PASSWORD_FILE: '/nowhere/password' }
    const ended = await run(['api'], missing)
    expect(ended).toEqual({
      code: 1,
      output: expect.stringMatching(/^store.password_file is \/nowhere\/password, which cannot be read/),
    })
  })

  it('ends at once on SIGTERM while it still waits for a store that is not there', async () => {
    const { process } = await start('detector', {
      HALFSHAKE_STORE_URL: `http://127.0.0.1:${await freePort()}`,
    })
    await until(
      () => process.output(),
      (output) => output.includes('waiting for the store'),
    )
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})

async function startStore(port: number): Promise<void> {
  const health = await freePort()
  const user = `{name: halfshake, hash: "${hashToken('store password')}", access: admin}`
  const store = halfshake(['store'], {
    HALFSHAKE_LOG_LEVEL: 'warn',
    HALFSHAKE_DATA_FOLDER: join(folder.path, 'store'),
    HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${health}`,
    HALFSHAKE_STORE_LISTEN: `127.0.0.1:${port}`,
    HALFSHAKE_STORE_USERS: `[${user}]`,
  })
  running.push(store)
  await untilReady(`http://127.0.0.1:${health}`, store)
}

async function start(
  step: string,
  env: Record<string, string> = {},
): Promise<{ url: string; process: Running }> {
  const port = await freePort()
  const process = halfshake([step], { ...settings, ...env, HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}` })
  running.push(process)
  return { url: `http://127.0.0.1:${port}`, process }
}

async function sendRubbish(values: readonly string[]): Promise<void> {
  const producer = plainKafka(broker.brokers).producer()
  await producer.connect()
  await producer.send({
    topic: 'halfshake.events',
    messages: values.map((value) => ({ key: 'edge', value })),
  })
  await producer.disconnect()
}

async function listLetters(): Promise<{ offset: number; reason: string; value: string }[]> {
  const { code, output } = await run(['dead-letters', 'list', '--json'], settings)
  if (code !== 0) throw new Error(output)
  return JSON.parse(output)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
