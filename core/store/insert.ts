/** More than any block has rows, so that a block is inserted as one and its token stands for all of it. */
export const ONE_BLOCK = 10_000_000

/**
 * What makes the insert of one table's rows happen once: a token that the table and every rollup behind it
 * remember, and sizes that keep the rows in one block, for which the token stands.
 */
export function insertSettings(table: string, token: string): Record<string, string | number> {
  return {
    insert_deduplication_token: `${table}:${token}`,
    insert_deduplicate: 1,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    async_insert: 0,
    max_insert_threads: 1,
    max_insert_block_size: ONE_BLOCK,
    min_insert_block_size_rows: ONE_BLOCK,
    min_insert_block_size_bytes: 0,
  }
}

/** Settings as they stand in a statement. */
export function settingsClause(settings: Record<string, string | number>): string {
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = ${literal(value)}`)
  return `SETTINGS ${assignments.join(', ')}`
}

/** A value as SQL text; only for what has no place for a bound parameter. */
export function literal(value: string | number): string {
  if (typeof value === 'number') return String(value)
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
