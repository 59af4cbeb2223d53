import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../runtime/log.ts'
import { type Store, StoreRefused } from './store.ts'

export type Migration = { number: number; name: string; statements: string[] }

const FOLDER = join(import.meta.dirname, 'migrations')

/** The numbered SQL files, in order. Statements are separated by a semicolon at the end of a line. */
export function readMigrations(folder = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file,
      statements: splitStatements(readFileSync(join(folder, file), 'utf8')),
    }))
}

/**
 * Applies what was not applied yet. Every statement is safe to run twice, so a migration cut off half-way is
 * simply run again. A store that is newer than this program is refused rather than guessed at.
 */
export async function migrate(
  store: Pick<Store, 'query' | 'command' | 'insert'>,
  { log, migrations = readMigrations() }: { log: Logger; migrations?: Migration[] },
): Promise<void> {
  await store.command(`
    CREATE TABLE IF NOT EXISTS migrations (number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
    ENGINE = ReplacingMergeTree ORDER BY number`)
  const applied = new Set(
    (await store.query<{ number: number }>('SELECT DISTINCT number FROM migrations')).map(
      (row) => row.number,
    ),
  )
  const newest = Math.max(0, ...migrations.map((migration) => migration.number))
  const ahead = Math.max(0, ...applied)
  if (ahead > newest) {
    throw new StoreRefused(
      `the store has schema ${ahead}, this program knows ${newest}: run the newer halfshake that wrote it`,
    )
  }
  for (const migration of migrations) {
    if (applied.has(migration.number)) continue
    for (const statement of migration.statements) await store.command(statement)
    await store.insert('migrations', [{ number: migration.number, name: migration.name }])
    log.info({ migration: migration.name }, 'migration applied')
  }
}

function splitStatements(sql: string): string[] {
  return sql
    .split(/;\s*$/m)
    .map((statement) => statement.replace(/^\s*--.*$/gm, '').trim())
    .filter((statement) => statement !== '')
}
