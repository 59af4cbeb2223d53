import { createLogger, type Logger } from '../core/runtime/log.ts'
import { parseBytes } from './address.ts'
import { createMmdbWriter } from './mmdb-writer.ts'

/** Builders for tests: real databases, small. */

export function bytesOf(text: string): Uint8Array {
  const bytes = parseBytes(text)
  if (bytes === undefined) throw new Error(`no address: ${text}`)
  return bytes
}

type Row = readonly [start: string, end: string, asn: number, organization: string]

export function asnDatabaseBytes(rows: readonly Row[], buildEpoch = 1_750_000_000): Buffer {
  const writer = createMmdbWriter({ databaseType: 'Test-ASN', description: 'for a test', buildEpoch })
  for (const [start, end, asn, organization] of rows) {
    writer.add({ start: bytesOf(start), end: bytesOf(end), asn, organization })
  }
  return writer.finish()
}

/** A logger that keeps what it was told. */
export function createTestLog(): { log: Logger; records: Record<string, unknown>[] } {
  const records: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void records.push(JSON.parse(line)) }
  return { log: createLogger({ level: 'debug', destination }), records }
}
