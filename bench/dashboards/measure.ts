import type { ClickHouseClient } from '@clickhouse/client'

/** What a query took: milliseconds of each run, what the engine read for it, and how many rows came back. */
export type Measured = { ms: number[]; rowsRead: number; bytesRead: number; rows: number }

/** Runs a query once to warm up and then `runs` times, one after another, with its answer parsed. */
export async function measure(client: ClickHouseClient, sql: string, runs: number): Promise<Measured> {
  const warm = await ask(client, sql)
  const ms: number[] = []
  for (let run = 0; run < runs; run += 1) {
    const began = performance.now()
    await ask(client, sql)
    ms.push(performance.now() - began)
  }
  return { ms: ms.sort((a, b) => a - b), ...warm }
}

/** The time that this share of the runs kept within. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

async function ask(client: ClickHouseClient, query: string): Promise<Omit<Measured, 'ms'>> {
  const result = await client.query({ query, format: 'JSON' })
  const { statistics, rows } = await result.json<unknown>()
  if (statistics === undefined || rows === undefined) throw new Error('the engine gave no statistics')
  return { rowsRead: statistics.rows_read, bytesRead: statistics.bytes_read, rows }
}
