import { join, resolve } from 'node:path'
import type { ClickHouseClient } from '@clickhouse/client'
import type { Component } from '../runtime/lifecycle.ts'
import type { Logger } from '../runtime/log.ts'
import { createConnections, type OnConnection } from './engine/connections.ts'
import { type Engine, openEngine } from './engine/engine.ts'
import { classify } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import { insertSettings, ONE_BLOCK, settingsClause } from './insert.ts'
import { type Entry, type Journal, openJournal } from './journal.ts'
import { migrate } from './migrate.ts'
import { applyRetention, type Retention } from './retention.ts'
import type { Block, QueryParameters, Store } from './store.ts'
import { readStructures } from './structures.ts'

const RETRY_MS = [100, 300, 1_000, 3_000, 10_000] as const

export type EmbeddedStore = Store &
  Component & {
    /** The engine behind the store, once started. */
    engine(): Engine
  }

/** The ClickHouse engine in this process, over a folder that belongs to it alone. */
export function createEmbeddedStore({
  folder,
  retention,
  fsync,
  readers: readerCount,
  log,
}: {
  folder: string
  retention: Retention
  fsync: boolean
  /** Connections for reading, so that none waits behind an insert; each query occupies one of libuv's threads. */
  readers: number
  log: Logger
}): EmbeddedStore {
  const clients: ClickHouseClient[] = []
  let onReader: OnConnection = notStarted
  let onWriter: OnConnection = notStarted
  let lock: { release(): Promise<void> } | undefined
  let engine: Engine | undefined
  let journal: Journal | undefined
  let structures: Record<string, string> = {}
  let stopped = false
  // Writes go one after another: a block is in its tables before the next one is begun.
  let lastWrite: Promise<unknown> = Promise.resolve()

  const writer = () => clients[0] ?? notStarted()

  const store: EmbeddedStore = {
    name: 'store',
    async start() {
      lock = await lockFolder(folder)
      engine = await openEngine(folder)
      for (let i = 0; i <= readerCount; i += 1) clients.push(engine.client())
      await prepare(clients)
      onWriter = createConnections(clients.slice(0, 1))
      onReader = createConnections(clients.slice(1))
      await migrate(store, { log })
      await applyRetention(store, retention)
      await applyFsync(store, fsync)
      structures = await readStructures(store)
      journal = await openJournal(join(folder, 'journal'), { fsync })
      await recover(journal)
    },
    async stop() {
      stopped = true
      await lastWrite.catch(() => undefined)
      for (const client of clients.splice(0).reverse()) await client.close()
      await engine?.close()
      await lock?.release()
    },
    async query<Row>(sql: string, parameters: QueryParameters = {}) {
      return onReader(sql, parameters, (client) =>
        classify(async () => {
          const result = await client.query({ query: sql, format: 'JSONEachRow' })
          return result.json<Row>()
        }),
      )
    },
    async command(sql, parameters = {}) {
      await onWriter(sql, parameters, (client) => classify(() => client.command({ query: sql })))
    },
    async insert(table, rows) {
      await classify(() => writer().insert({ table, values: [...rows], format: 'JSONEachRow' }))
    },
    write(block, { token } = {}) {
      const written = lastWrite.then(() =>
        token === undefined ? journalAndWrite(block) : writeUnder(token, block),
      )
      lastWrite = written.catch(() => undefined)
      return written
    },
    engine: () => engine ?? notStarted(),
  }
  return store

  async function journalAndWrite(block: Block): Promise<void> {
    const open = journal ?? notStarted()
    const filled = block.filter(({ rows }) => rows > 0)
    if (filled.length === 0) return
    const entry = await open.add(filled)
    await writeUntilDone(entry)
    await open.remove(entry)
  }

  /** The caller can build the block again, so it is not owed: it is tried once and forgotten by a crash. */
  async function writeUnder(token: string, block: Block): Promise<void> {
    const open = journal ?? notStarted()
    const filled = block.filter(({ rows }) => rows > 0)
    if (filled.length === 0) return
    const entry = await open.lend(filled, token)
    try {
      await insertEntry(entry)
    } finally {
      await open.remove(entry)
    }
  }

  async function recover(open: Journal): Promise<void> {
    const entries = await open.pending()
    if (entries.length > 0) log.info({ blocks: entries.length }, 'completing what a crash cut off')
    for (const entry of entries) {
      await insertEntry(entry)
      await open.remove(entry)
    }
  }

  /** A block in the journal is owed: it is tried again for as long as the engine says that this may help. */
  async function writeUntilDone(entry: Entry): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await insertEntry(entry)
        return
      } catch (error) {
        if (stopped || !(error instanceof Error) || error.name !== 'StoreUnavailable') throw error
        const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0
        log.warn({ error: error.message, retry_in_ms: wait }, 'the store did not take a block; trying again')
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
  }

  async function insertEntry({ token, files }: Entry): Promise<void> {
    for (const { table, path } of files) {
      // Settings stand in the statement: given on the call they would stay with the session.
      await store.command(
        `INSERT INTO ${table} SELECT * FROM file({path:String}, 'Native', {structure:String})
         ${settingsClause({ ...insertSettings(table, token), max_threads: 1, max_block_size: ONE_BLOCK })}`,
        { path: resolve(path), structure: structures[table] ?? '' },
      )
    }
  }
}

/** Settings for every statement of every connection; they never change, so that none can leak. */
async function prepare(clients: readonly ClickHouseClient[]): Promise<void> {
  for (const client of clients) {
    await classify(() =>
      client.command({ query: 'SET output_format_json_quote_64bit_integers = 0, max_execution_time = 60' }),
    )
  }
}

async function applyFsync(store: Store, fsync: boolean): Promise<void> {
  const value = fsync ? 1 : 0
  const tables = await store.query<{ name: string; definition: string }>(
    `SELECT name, create_table_query AS definition FROM system.tables
     WHERE database = currentDatabase() AND engine LIKE '%MergeTree'`,
  )
  for (const { name, definition } of tables) {
    if (definition.includes('fsync_after_insert = 1') === fsync) continue
    await store.command(
      `ALTER TABLE ${name} MODIFY SETTING fsync_after_insert = ${value}, fsync_part_directory = ${value}`,
    )
  }
}

function notStarted(): never {
  throw new Error('the store is not open')
}
