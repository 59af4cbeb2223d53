import { type Store, StoreRefused } from './store.ts'
import { COLUMNS } from './tables.ts'

/**
 * The columns that are written, as `name Type, …` for each table.
 * A table whose columns differ from what this program writes is refused here, by name.
 */
export async function readStructures(store: Pick<Store, 'query'>): Promise<Record<string, string>> {
  const structures: Record<string, string> = {}
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const found = await store.query<{ name: string; type: string }>(
      'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position',
      { table },
    )
    const there = listed(found)
    const written = listed(columns)
    if (there !== written) {
      throw new StoreRefused(
        `table ${table} has the columns ${there}; this program writes ${written}: run the halfshake that created it, or choose another database`,
      )
    }
    structures[table] = written
  }
  return structures
}

function listed(columns: readonly { name: string; type: string }[]): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join(', ')
}
