import { type Store, StoreRefused } from './store.ts'
import { COLUMNS } from './tables.ts'

/**
 * The columns that are written, with the types that the tables have, as `name Type, …` for each table.
 * A table whose columns differ from what this program writes is refused here, by name.
 */
export async function readStructures(store: Pick<Store, 'query'>): Promise<Record<string, string>> {
  const structures: Record<string, string> = {}
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const found = await store.query<{ name: string; type: string }>(
      'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position',
      { table },
    )
    const names = found.map(({ name }) => name).join(' ')
    if (names !== columns.join(' ')) {
      throw new StoreRefused(
        `table ${table} has the columns ${names}; this program writes ${columns.join(' ')}: run the halfshake that created it, or choose another database`,
      )
    }
    structures[table] = found.map(({ name, type }) => `${name} ${type}`).join(', ')
  }
  return structures
}
