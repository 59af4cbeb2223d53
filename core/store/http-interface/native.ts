import { fault } from './fault.ts'
import { elementTypes, fixedSize, type NativeType, parseType } from './native-types.ts'

/** From this revision on, each column says whether it is stored in a special way. Source: ClickHouse src/Core/ProtocolDefines.h */
const CUSTOM_SERIALIZATION = 54_454
/** BlockInfo: no overflow row, no bucket, end. */
const BLOCK_INFO = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0])
const PLAIN = Buffer.from([0])

/**
 * The engine writes Native blocks as revision 0 of the protocol. Clients that send `client_protocol_version`
 * (clickhouse-go, and with it Grafana's data source) expect those of that revision: the block's info before it, and
 * a byte in each column that says how it is stored. Columns are walked only to find where they end.
 * Source: ClickHouse src/Formats/NativeWriter.cpp
 */
export function nativeForRevision(
  bytes: Buffer,
  revision: number,
): {
  converted: Buffer
  /** Bytes of the blocks that were whole; what follows is the beginning of the next one. */
  used: number
} {
  const cursor = new Cursor(bytes)
  const parts: Buffer[] = []
  let used = 0
  while (!cursor.atEnd()) {
    const converted = block(cursor, revision)
    if (converted === undefined) break
    parts.push(...converted)
    used = cursor.at
  }
  return { converted: Buffer.concat(parts), used }
}

/** Undefined when the bytes end before the block does. */
function block(cursor: Cursor, revision: number): Buffer[] | undefined {
  try {
    const start = cursor.at
    const columns = cursor.varint()
    const rows = cursor.varint()
    const parts = [BLOCK_INFO, cursor.bytes.subarray(start, cursor.at)]
    for (let i = 0; i < columns; i += 1) parts.push(...column(cursor, rows, revision))
    return parts
  } catch (error) {
    if (error instanceof CutOff) return undefined
    throw error
  }
}

function column(cursor: Cursor, rows: number, revision: number): Buffer[] {
  const start = cursor.at
  cursor.string()
  const type = parseType(cursor.string())
  const dataAt = cursor.at
  if (rows > 0) {
    skipPrefix(cursor, type)
    skipData(cursor, type, rows)
  }
  const head = cursor.bytes.subarray(start, dataAt)
  const data = cursor.bytes.subarray(dataAt, cursor.at)
  return revision >= CUSTOM_SERIALIZATION ? [head, PLAIN, data] : [head, data]
}

/** What stands before a column's values: the version of each dictionary in it. */
function skipPrefix(cursor: Cursor, type: NativeType): void {
  if (type.name === 'LowCardinality') cursor.skip(8)
  else for (const inner of innerTypes(type)) skipPrefix(cursor, inner)
}

function skipData(cursor: Cursor, type: NativeType, rows: number): void {
  const size = fixedSize(type)
  if (size !== undefined) {
    cursor.skip(size * rows)
    return
  }
  if (type.name === 'String') {
    for (let i = 0; i < rows; i += 1) cursor.skip(cursor.varint())
    return
  }
  if (type.name === 'LowCardinality') {
    skipLowCardinality(cursor, type, rows)
    return
  }
  const inner = innerTypes(type)
  if (type.name === 'Nullable') cursor.skip(rows)
  const values = ARRAYS.has(type.name) ? cursor.offsets(rows) : rows
  for (const each of inner) skipData(cursor, each, values)
}

const ARRAYS = new Set(['Array', 'Map', 'Nested'])

function innerTypes(type: NativeType): NativeType[] {
  switch (type.name) {
    case 'Array':
    case 'Nullable':
      return [parseType(type.args[0] ?? '')]
    case 'SimpleAggregateFunction':
      return [parseType(type.args[1] ?? '')]
    case 'Map':
      return type.args.map(parseType)
    case 'Tuple':
    case 'Nested':
      return elementTypes(type).map(parseType)
    default:
      if (type.name === 'String' || fixedSize(type) !== undefined) return []
      throw fault.notImplemented(
        `the type ${type.name} cannot be sent as Native here: cast it with toString()`,
      )
  }
}

/** The dictionary's keys, then one index for each row. Source: ClickHouse SerializationLowCardinality.cpp */
function skipLowCardinality(cursor: Cursor, type: NativeType, rows: number): void {
  if (rows === 0) return
  const indexBytes = 1 << (cursor.uint64() & 0xff)
  const keys = parseType(type.args[0] ?? '')
  const key = keys.name === 'Nullable' ? parseType(keys.args[0] ?? '') : keys
  skipData(cursor, key, cursor.uint64())
  cursor.skip(cursor.uint64() * indexBytes)
}

class CutOff extends Error {
  override readonly name = 'CutOff'
}

class Cursor {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  atEnd(): boolean {
    return this.at >= this.bytes.length
  }

  skip(count: number): void {
    this.at += count
    if (this.at > this.bytes.length) throw new CutOff()
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at] ?? 0
      this.skip(1)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  string(): string {
    const length = this.varint()
    const start = this.at
    this.skip(length)
    return this.bytes.toString('utf8', start, this.at)
  }

  uint64(): number {
    this.skip(8)
    return Number(this.bytes.readBigUInt64LE(this.at - 8))
  }

  /** Skips the offsets of `rows` arrays; answers how many values they hold. */
  offsets(rows: number): number {
    if (rows === 0) return 0
    this.skip(8 * (rows - 1))
    return this.uint64()
  }
}
