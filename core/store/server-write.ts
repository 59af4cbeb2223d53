import { Readable } from 'node:stream'
import { type ClickHouseClient, drainStream } from '@clickhouse/client'
import { insertSettings } from './insert.ts'
import type { Block } from './store.ts'
import { COLUMNS } from './tables.ts'

/**
 * Inserts a block, each table's rows as one block of the engine's under `table:token`. Tables go one after another:
 * cut off in between, the same call puts in what is missing.
 */
export async function writeBlock(
  client: ClickHouseClient,
  block: Block,
  { token, distributed }: { token: string; distributed: boolean },
): Promise<void> {
  for (const { table, rows, data } of block) {
    if (rows === 0) continue
    const result = await client.exec({
      query: `INSERT INTO ${table} (${COLUMNS[table].map(({ name }) => name).join(', ')}) FORMAT Native`,
      values: Readable.from([data], { objectMode: false }),
      clickhouse_settings: {
        ...insertSettings(table, token),
        wait_end_of_query: 1,
        // Through a Distributed table: answered when the shards have the rows, not when they are queued for them.
        ...(distributed ? { distributed_foreground_insert: 1 as const } : {}),
      },
    })
    await drainStream(result.stream)
  }
}
