import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashToken } from '../runtime/tokens.ts'
import type { EmbeddedStore } from './embedded.ts'
import { interfaceOf } from './http-interface/testing.ts'
import { readMigrations } from './migrate.ts'
import { createServerStore, type ServerStore } from './server.ts'
import type { Block } from './store.ts'
import { encodeBatches, encodeDeadLetters, encodeHandshakes } from './tables.ts'
import { countEverywhere, everywhere, handshakeRow, silent, storeAt, temporaryFolder } from './testing.ts'

const DAY = 86_400_000
const AT = Date.now()

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let engine: EmbeddedStore
let http: Awaited<ReturnType<typeof interfaceOf>>
const open: ServerStore[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  engine = storeAt(folder.path)
  await engine.start()
  http = await interfaceOf(engine, {
    users: [
      { name: 'halfshake', hash: hashToken('right'), access: 'admin' },
      { name: 'reader', hash: hashToken('right'), access: 'reader' },
    ],
  })
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.stop()
  await http.stop()
  await engine.stop()
  await folder.remove()
})

describe('the store on a ClickHouse server, over HTTP', () => {
  it('counts a block once in the raw table and in every rollup, however often it is written under its token', async () => {
    const store = await start()
    for (let i = 0; i < 3; i += 1) await store.write(blockOf(300), { token: 'events:1:0-299' })
    expect(await countEverywhere(store)).toEqual(everywhere(300))
    expect(await store.query('SELECT sum(accepted) AS n FROM batches')).toEqual([{ n: 300 }])
    expect(await store.query('SELECT count() AS n FROM dead_letters')).toEqual([{ n: 1 }])
  })

  it('takes the same rows under another token as other rows', async () => {
    const store = await start()
    await store.write(blockOf(10), { token: 'a' })
    await store.write(blockOf(10), { token: 'b\'\\ "' })
    await store.write(blockOf(10), { token: 'b\'\\ "' })
    expect(await countEverywhere(store)).toEqual(everywhere(20))
  })

  it('puts a large block in as one part, so that its token stands for all of it', async () => {
    const store = await start()
    await store.write([encodeHandshakes(handshakes(150_000))], { token: 'large' })
    await store.write([encodeHandshakes(handshakes(150_000))], { token: 'large' })
    expect(await countEverywhere(store)).toEqual(everywhere(150_000))
    // One for each day that the rows fall on.
    expect(
      await engine.query(
        `SELECT max(parts) AS parts FROM (SELECT count() AS parts FROM system.parts
         WHERE table = 'handshakes' AND level = 0 GROUP BY partition)`,
      ),
    ).toEqual([{ parts: 1 }])
  })

  it('repairs a rollup that a crash left without the block, and leaves the others as they are', async () => {
    const store = await start()
    await store.command('DROP VIEW minutes_by_prefix_view')
    await store.write(blockOf(200), { token: 'half' })
    expect(await countEverywhere(store)).toEqual({
      ...everywhere(200),
      minutes_by_prefix: 0,
      hours_by_prefix: 0,
    })
    await store.command(statementWith('minutes_by_prefix_view'))
    await store.write(blockOf(200), { token: 'half' })
    expect(await countEverywhere(store)).toEqual(everywhere(200))
  })

  it('repairs a block whose tables were not all written', async () => {
    const store = await start()
    const [first] = blockOf(50)
    if (first !== undefined) await store.write([first], { token: 'cut' })
    await store.write(blockOf(50), { token: 'cut' })
    expect(await countEverywhere(store)).toEqual(everywhere(50))
    expect(await store.query('SELECT count() AS n FROM batches')).toEqual([{ n: 1 }])
  })

  it('keeps two writers apart, and stores once what both write at the same time', async () => {
    const [one, two] = [await start(), await start()]
    const writes = Array.from({ length: 10 }, (_, i) => [
      one.write(blockOf(20), { token: `shared-${i}` }),
      two.write(blockOf(20), { token: `shared-${i}` }),
      one.write(blockOf(20), { token: `one-${i}` }),
      two.write(blockOf(20), { token: `two-${i}` }),
    ])
    await Promise.all(writes.flat())
    expect(await countEverywhere(one)).toEqual(everywhere(600))
  })

  it('recognises what the embedded store wrote under the same token, and the other way round', async () => {
    const store = await start()
    await engine.write(blockOf(30), { token: 'both' })
    await store.write(blockOf(30), { token: 'both' })
    await store.write(blockOf(7), { token: 'back' })
    await engine.write(blockOf(7), { token: 'back' })
    expect(await countEverywhere(store)).toEqual(everywhere(37))
  })

  it('needs a token', async () => {
    const store = await start()
    await expect(store.write(blockOf(1))).rejects.toThrow('token')
  })

  it('gives back rows and bound values as the embedded store does', async () => {
    const store = await start()
    const hostile = "x' OR 1=1; --\\\t"
    for (const each of [store, engine]) {
      expect(
        await each.query(
          'SELECT {text:String} AS text, {list:Array(String)} AS list, toUInt64(9007199254740991) AS n, CAST(0.5 AS Float64) AS half',
          {
            text: hostile,
            list: [hostile],
          },
        ),
      ).toEqual([{ text: hostile, list: [hostile], n: 9_007_199_254_740_991, half: 0.5 }])
    }
  })

  it('makes its database when there is none, and the same schema in it as the embedded store', async () => {
    const store = await start({ database: 'other' })
    await store.write(blockOf(5), { token: 'a' })
    expect(await countEverywhere(store)).toEqual(everywhere(5))
    expect(await countEverywhere(engine)).toEqual(everywhere(0))
    const schema = (database: string) =>
      engine.query(
        `SELECT name, replaceAll(create_table_query, '${database}.', '') AS definition FROM system.tables WHERE database = '${database}' ORDER BY name`,
      )
    expect(await schema('other')).toEqual(await schema('default'))
  })
})

describe('errors of the store on a server', () => {
  it.each([
    [
      'a wrong password',
      { password: 'wrong' },
      /does not know user halfshake.*check store\.user and store\.password/,
    ],
    ['a user who may only read', { user: 'reader' }, /user reader may not do this.*grant/],
  ])('%s stops the start with what to do', async (_name, options, message) => {
    const store = serverStore(options)
    await expect(store.start()).rejects.toMatchObject({
      name: 'StoreRefused',
      message: expect.stringMatching(message),
    })
    await store.stop()
  })

  it('a newer or another schema stops the start with what to do', async () => {
    await engine.insert('migrations', [{ number: 9_999, name: 'tomorrow' }])
    await expect(serverStore().start()).rejects.toThrow(/schema 9999.*run the newer halfshake/)
    await engine.command('TRUNCATE TABLE migrations')
    await engine.command('ALTER TABLE batches ADD COLUMN extra UInt8')
    await expect(serverStore().start()).rejects.toMatchObject({
      name: 'StoreRefused',
      message: expect.stringMatching(/table batches has the columns .* extra/),
    })
  })

  it('a missing table refuses a write, and a query that takes too long may be tried again', async () => {
    const store = await start()
    await expect(store.query('SELECT * FROM nowhere')).rejects.toMatchObject({
      name: 'StoreRefused',
      message: expect.stringContaining('a table is missing'),
    })
    await expect(store.query('SELECT nope')).rejects.toMatchObject({ name: 'StoreRefused' })
    await expect(
      store.query(
        'SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 1, max_block_size = 1',
      ),
    ).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('a server that is not there is waited for, and the wait ends with stop', async () => {
    const port = await freePort()
    const store = serverStore({ url: `http://127.0.0.1:${port}` })
    const starting = store.start()
    starting.catch(() => undefined)
    expect(store.check.check()).toMatchObject({
      ready: false,
      reason: expect.stringContaining(`127.0.0.1:${port}`),
    })
    await until(() => {
      const now = store.check.check()
      return !now.ready && now.reason.includes('ECONNREFUSED')
    })
    await store.stop()
    await expect(starting).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('a server that comes late is found, one that goes is told, and one that comes back is used', async () => {
    const port = await freePort()
    const store = serverStore({ url: `http://127.0.0.1:${port}` })
    open.push(store)
    const starting = store.start()
    await until(() => !store.check.check().ready)
    let way = await forward(port, Number(new URL(http.url).port))
    await starting
    expect(store.check.check()).toEqual({ ready: true })
    await way.close()
    await expect(store.write(blockOf(3), { token: 'gone' })).rejects.toMatchObject({
      name: 'StoreUnavailable',
    })
    expect(store.check.check().ready).toBe(false)
    way = await forward(port, Number(new URL(http.url).port))
    await store.write(blockOf(3), { token: 'gone' })
    expect(store.check.check()).toEqual({ ready: true })
    expect(await countEverywhere(store)).toEqual(everywhere(3))
    await way.close()
  })

  it('an insert whose answer is lost is repeated without being counted twice', async () => {
    const port = await freePort()
    const way = await forward(port, Number(new URL(http.url).port))
    const store = await start({ url: `http://127.0.0.1:${port}`, requestTimeoutMs: 1_500 })
    way.holdAnswers()
    await expect(store.write(blockOf(40), { token: 'lost' })).rejects.toMatchObject({
      name: 'StoreUnavailable',
    })
    await until(async () => (await countEverywhere(engine))['handshakes'] === 40)
    way.passAnswers()
    await store.write(blockOf(40), { token: 'lost' })
    expect(await countEverywhere(store)).toEqual(everywhere(40))
    await way.close()
  })
})

function serverStore(options: Partial<Parameters<typeof createServerStore>[0]> = {}): ServerStore {
  return createServerStore({
    url: http.url,
    user: 'halfshake',
    password: 'right',
    database: 'default',
    retention: { raw: 90 * DAY, minutes: 90 * DAY, hours: 400 * DAY },
    log: silent,
    ...options,
  })
}

async function start(options: Parameters<typeof serverStore>[0] = {}): Promise<ServerStore> {
  const store = serverStore(options)
  await store.start()
  open.push(store)
  return store
}

function handshakes(rows: number) {
  return Array.from({ length: rows }, (_, i) =>
    handshakeRow({
      id: `c-${i}`,
      decided_at: AT - (i % 7) * 60_000,
      asn: 64_500 + (i % 3),
      client: BigInt(i),
    }),
  )
}

/** The same bytes whenever it is built again. */
function blockOf(rows: number): Block {
  const batch = { received_at: AT, agent: 'edge-1', epoch: 1, sequence: 1, bus_partition: 0, bus_offset: 0 }
  const dead = {
    line: 1,
    reason: 'not_json',
    field: '',
    message: 'no',
    bytes: 3,
    raw: Buffer.from([0, 255, 1]),
  }
  return [
    encodeHandshakes(handshakes(rows)),
    encodeDeadLetters([{ ...batch, ...dead }]),
    encodeBatches([{ ...batch, accepted: rows, handshakes: rows, rejected: 1 }]),
  ]
}

function statementWith(text: string): string {
  const statements = readMigrations().flatMap((migration) => migration.statements)
  return statements.find((statement) => statement.includes(text)) ?? ''
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A way to the server that can be cut, or carry requests and hold the answers. */
async function forward(port: number, to: number) {
  const { connect } = await import('node:net')
  const sockets = new Set<Socket>()
  let held = false
  const server = createServer((client) => {
    const onward = connect(to, '127.0.0.1')
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        onward.destroy()
      })
    }
    client.pipe(onward)
    onward.on('data', (data) => {
      if (!held) client.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    holdAnswers() {
      held = true
    },
    passAnswers() {
      held = false
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 30))
}
