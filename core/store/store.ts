/** Values that a query may bind: they reach the engine as parameters, never as SQL text. */
export type QueryParameters = Record<string, string | number | boolean | null | readonly (string | number)[]>

/** Rows of one table, encoded as one block of ClickHouse's Native format. */
export type TableRows = { table: TableName; rows: number; data: Uint8Array }

export type TableName = 'handshakes' | 'dead_letters' | 'batches'

/** What is written as one: all of its tables' rows are stored, or will be after a restart; never twice. */
export type Block = readonly TableRows[]

/** The store as every step sees it. The engine behind is ClickHouse, in this process or elsewhere. */
export type Store = {
  /** The rows of a SELECT. Parameters are bound as `{name:Type}`. */
  query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>
  /** Runs a statement that answers nothing. */
  command(sql: string, parameters?: QueryParameters): Promise<void>
  /** Inserts objects into a small table (incidents, rules, …), one JSON object a row. */
  insert(table: string, rows: readonly Record<string, unknown>[]): Promise<void>
  /**
   * Resolves when the block is durable in its tables and in every rollup.
   * Without a token the store takes care of the block itself: after a crash it completes what was begun.
   * With one, the caller does: on failure, or after a crash, it writes the very same block again under the same
   * token; what is there already is recognised, what is missing is added.
   */
  write(block: Block, options?: { token?: string }): Promise<void>
}

/** The store cannot do it now; the same call may succeed later. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** The store will never do it as it stands: a wrong password, a missing table, another schema. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused'
}
