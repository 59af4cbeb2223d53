import { cp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openJournal } from './journal.ts'
import { type Migration, migrate, readMigrations } from './migrate.ts'
import type { Block } from './store.ts'
import { encodeBatches, encodeDeadLetters, encodeHandshakes } from './tables.ts'
import { countEverywhere, everywhere, handshakeRow, silent, storeAt, temporaryFolder } from './testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const open: ReturnType<typeof storeAt>[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.stop()
  await folder.remove()
})

describe('the embedded store', () => {
  it('gives back every column as it was written', async () => {
    const store = await start()
    const row = handshakeRow({
      client: 18_446_744_073_709_551_615n,
      network: `Größe ${'y'.repeat(60)}`,
      evidence: "it's \\ \t\n\u0000 '); DROP TABLE handshakes; --",
      bytes_in: 9_007_199_254_740_991,
      tcp_retrans: 4_294_967_295,
      tcp_seen: true,
      alert: 48,
      outcome: 'failed',
      stage: 'server_flight',
      cause: 'client_rejected',
      confidence: 'certain',
      decided_at: 1_790_000_000_123,
    })
    await store.write([encodeHandshakes([row])])
    const [stored] = await store.query<Record<string, unknown>>(
      `SELECT * REPLACE(toString(client) AS client, toUnixTimestamp64Milli(opened_at) AS opened_at,
         toUnixTimestamp64Milli(decided_at) AS decided_at, toUnixTimestamp64Milli(received_at) AS received_at)
       FROM handshakes`,
    )
    expect(stored).toEqual({
      ...row,
      client: String(row.client),
      source_address: '::ffff:192.0.2.7',
      destination_address: '::ffff:198.51.100.1',
    })
  })

  it('counts a block once in the raw table and in every rollup, however often it is completed after a crash', async () => {
    await (await start()).stop()
    await leaveInJournal(blockOf(300))
    const copy = await backUpJournal()
    for (let crash = 0; crash < 3; crash += 1) {
      const store = await start()
      expect(await countEverywhere(store)).toEqual(everywhere(300))
      expect(await store.query('SELECT sum(accepted) AS n FROM batches')).toEqual([{ n: 300 }])
      expect(await store.query('SELECT count() AS n FROM dead_letters')).toEqual([{ n: 1 }])
      await store.stop()
      await copy.putBack()
    }
  })

  it('repairs a rollup that a crash left without the block, and leaves the others as they are', async () => {
    const store = await start()
    await store.command('DROP VIEW minutes_by_prefix_view')
    await store.stop()
    await leaveInJournal(blockOf(200))
    const copy = await backUpJournal()
    const half = await start()
    expect(await countEverywhere(half)).toEqual({
      ...everywhere(200),
      minutes_by_prefix: 0,
      hours_by_prefix: 0,
    })
    await half.command(statementWith('minutes_by_prefix_view'))
    await half.stop()
    await copy.putBack()
    expect(await countEverywhere(await start())).toEqual(everywhere(200))
  })

  it('stores two blocks that hold the very same rows as two', async () => {
    const store = await start()
    await store.write(blockOf(10))
    await store.write(blockOf(10))
    expect(await countEverywhere(store)).toEqual(everywhere(20))
  })

  it('forgets a journal entry that was never completed', async () => {
    await (await start()).stop()
    await leaveInJournal(blockOf(5))
    const [name = ''] = await readdir(join(folder.path, 'journal'))
    await cp(join(folder.path, 'journal', name), join(folder.path, 'journal', `unfinished-${name}`), {
      recursive: true,
    })
    expect(await countEverywhere(await start())).toEqual(everywhere(5))
    expect(await readdir(join(folder.path, 'journal'))).toEqual([])
  })

  it('tells the second start which process holds the folder and what to do', async () => {
    await start()
    await expect(storeAt(folder.path).start()).rejects.toThrow(
      new RegExp(`held by process ${process.pid}.*kill ${process.pid}.*data\\.folder`),
    )
  })

  it('takes over a folder whose holder died, also when its pid lives on in another process', async () => {
    await (await start()).stop()
    for (const holder of ['{"pid":4194304,"started":"1"}', `{"pid":${process.pid},"started":"1"}`, '{"pi']) {
      await writeFile(join(folder.path, 'lock'), holder)
      await (await start()).stop()
    }
  })

  it('keeps a bound value out of the SQL, whatever it is', async () => {
    const store = await start()
    const hostile = "x' OR 1=1; --\\"
    expect(await store.query('SELECT {text:String} AS text', { text: hostile })).toEqual([{ text: hostile }])
    expect(await store.query('SELECT {list:Array(String)} AS list', { list: [hostile, 'b'] })).toEqual([
      { list: [hostile, 'b'] },
    ])
  })

  it('gives every one of many statements at a time its own values, whatever they are', async () => {
    const store = await start()
    const texts = fc.sample(fc.string({ unit: 'binary' }), 200)
    const ask = async (text: string, number: number) => {
      const list = [text, String(number), text]
      const sql = `SELECT {text:String} AS text, {number:UInt64} AS number, {list:Array(String)} AS list, {yes:Bool} AS yes`
      expect(await store.query(sql, { text, number, list, yes: number % 2 === 0 })).toEqual([
        { text, number, list, yes: number % 2 === 0 },
      ])
      const half = { half: number / 2, none: null, numbers: [number, 0] }
      const more =
        'SELECT {half:Float64} AS half, {none:Nullable(UInt8)} AS none, {numbers:Array(UInt32)} AS numbers'
      expect(await store.query(more, half)).toEqual([half])
    }
    await Promise.all(texts.map(ask))
  })

  it('does not take the value of an earlier statement for one that is missing', async () => {
    const store = await start()
    for (let i = 0; i < 4; i += 1) await store.query('SELECT {a:UInt8}', { a: 1 })
    await expect(store.query('SELECT {a:UInt8}')).rejects.toThrow(/binds \{a\}, which has no value/)
  })

  it('holds up neither writing nor other reading while a query is slow', async () => {
    const store = await start()
    const ended: string[] = []
    await Promise.all([
      store
        .query('SELECT sleepEachRow({s:Float64}) FROM numbers(2)', { s: 1 })
        .then(() => ended.push('slow')),
      store.query('SELECT {a:UInt8}', { a: 1 }).then(() => ended.push('quick')),
      store.query('SELECT {a:UInt8}', { a: 1 }).then(() => ended.push('quick')),
      store.write([encodeHandshakes([handshakeRow()])]).then(() => ended.push('write')),
    ])
    expect(ended.at(-1)).toBe('slow')
  })

  it('tells an error that will pass from one that will not', async () => {
    const store = await start()
    await expect(store.query('SELECT nope')).rejects.toMatchObject({ name: 'StoreRefused' })
    await expect(store.query('SELECT * FROM nowhere')).rejects.toMatchObject({ name: 'StoreRefused' })
    await expect(
      store.query(
        'SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 1, max_block_size = 1',
      ),
    ).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('keeps what expires and forgets what has expired', async () => {
    const store = await start()
    const old = Date.now() - 95 * 86_400_000
    await store.write([
      encodeHandshakes([handshakeRow({ id: 'new' }), handshakeRow({ id: 'old', decided_at: old })]),
    ])
    await store.command('OPTIMIZE TABLE handshakes FINAL')
    expect(await store.query('SELECT id FROM handshakes')).toEqual([{ id: 'new' }])
  })
})

describe('migrations', () => {
  it('lead from every earlier version to the same schema, and a second run does nothing', async () => {
    const migrations = readMigrations()
    const whole = await schemaAfter([migrations])
    for (let before = 1; before <= migrations.length; before += 1) {
      expect(await schemaAfter([migrations.slice(0, before), migrations, migrations])).toEqual(whole)
    }
  })

  it('are run again when they were cut off half-way', async () => {
    const migrations = readMigrations()
    const cut = migrations.map((one) => ({
      ...one,
      statements: [...one.statements.slice(0, 1), 'SELECT nope'],
    }))
    const store = await start()
    await expect(migrate(await freshDatabase(store), { log: silent, migrations: cut })).rejects.toThrow(
      'nope',
    )
    await store.stop()
  })

  it('refuse a store that a newer program wrote', async () => {
    const store = await start()
    await store.insert('migrations', [{ number: 9_999, name: 'tomorrow' }])
    await expect(migrate(store, { log: silent })).rejects.toThrow(/schema 9999.*run the newer halfshake/)
  })
})

async function start() {
  const store = storeAt(folder.path)
  await store.start()
  open.push(store)
  return store
}

function blockOf(rows: number): Block {
  const at = Date.now()
  const handshakes = Array.from({ length: rows }, (_, i) =>
    handshakeRow({
      id: `c-${i}`,
      decided_at: at - (i % 7) * 60_000,
      asn: 64_500 + (i % 3),
      client: BigInt(i),
    }),
  )
  const batch = { received_at: at, agent: 'edge-1', epoch: 1, sequence: 1, bus_partition: 0, bus_offset: 0 }
  return [
    encodeHandshakes(handshakes),
    encodeDeadLetters([
      {
        ...batch,
        line: 1,
        reason: 'not_json',
        field: '',
        message: 'no',
        bytes: 3,
        raw: Buffer.from([0, 255, 1]),
      },
    ]),
    encodeBatches([{ ...batch, accepted: rows, handshakes: rows, rejected: 1 }]),
  ]
}

/** What a crash between the journal and the tables leaves behind. */
async function leaveInJournal(block: Block): Promise<void> {
  await (await openJournal(join(folder.path, 'journal'), { fsync: false })).add(block)
}

/** The journal as it is now, to be put back as if a crash had come before the block was removed from it. */
async function backUpJournal() {
  const aside = join(folder.path, 'aside')
  await cp(join(folder.path, 'journal'), aside, { recursive: true })
  return { putBack: () => cp(aside, join(folder.path, 'journal'), { recursive: true }) }
}

function statementWith(text: string): string {
  const statements = readMigrations().flatMap((migration) => migration.statements)
  return statements.find((statement) => statement.includes(text)) ?? ''
}

/** The schema that runs of migrations leave, each run a list, in a database of its own. */
async function schemaAfter(runs: readonly Migration[][]): Promise<unknown> {
  const store = await start()
  const database = await freshDatabase(store)
  for (const migrations of runs) await migrate(database, { log: silent, migrations })
  const schema = await store.query(
    "SELECT name, replaceAll(create_table_query, currentDatabase() || '.', '') AS definition FROM system.tables WHERE database = currentDatabase() ORDER BY name",
  )
  await store.stop()
  return schema
}

/** The same store with nothing in it. */
async function freshDatabase(store: ReturnType<typeof storeAt>) {
  const tables = await store.query<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY engine = 'MaterializedView' DESC",
  )
  for (const { name } of tables) await store.command(`DROP TABLE IF EXISTS ${name} SYNC`)
  return store
}
