import type { ClickHouseClient } from '@clickhouse/client'
import { createTurns } from '../../runtime/turns.ts'
import { classify } from '../errors.ts'
import { literal } from '../insert.ts'
import { type QueryParameters, StoreRefused } from '../store.ts'

/** Runs something on a connection that is free, with the values bound that the statement names; waits for one otherwise. */
export type OnConnection = <T>(
  sql: string,
  parameters: QueryParameters,
  run: (client: ClickHouseClient) => Promise<T>,
) => Promise<T>

const PLACEHOLDER = /\{([A-Za-z_]\w*):/g

/**
 * Values are set on the connection before the statement. chdb's own binding keeps those of all connections in one place
 * and therefore runs one such statement at a time in the whole process (its index.js, `runExclusiveParam`): every
 * write would wait for every slow query.
 */
export function createConnections(clients: readonly ClickHouseClient[]): OnConnection {
  const free = [...clients]
  const inTurn = createTurns(clients.length)
  return (sql, parameters, run) =>
    inTurn(async () => {
      const client = free.pop()
      if (client === undefined) throw new Error('more statements than connections')
      try {
        const values = setValues(sql, parameters)
        if (values !== undefined) await classify(() => client.command({ query: values }))
        return await run(client)
      } finally {
        free.push(client)
      }
    })
}

/** One is missing: refused here, since the connection may still have that of an earlier statement. */
function setValues(sql: string, parameters: QueryParameters): string | undefined {
  const names = new Set([...sql.matchAll(PLACEHOLDER)].map(([, name = '']) => name))
  const assignments = [...names].map((name) => {
    const value = parameters[name]
    if (value === undefined) throw new StoreRefused(`the statement binds {${name}}, which has no value`)
    return `param_${name} = ${literal(textOf(value))}`
  })
  return assignments.length === 0 ? undefined : `SET ${assignments.join(', ')}`
}

/** A value as the engine reads parameters: in the escaped form of TabSeparated. */
function textOf(value: QueryParameters[string]): string {
  if (value === null) return '\\N'
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return `[${value.map(literal).join(',')}]`
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('\t', '\\t')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\0', '\\0')
}
