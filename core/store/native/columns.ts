import { ByteWriter } from './byte-writer.ts'

/**
 * Columns of ClickHouse's Native format: the engine takes them in as they are, at half the cost of rows.
 * A column has room for as many values as it was made for.
 * Sources: https://clickhouse.com/docs/interfaces/formats/Native, src/DataTypes/Serializations in ClickHouse.
 */
export type Column = {
  /** The type as the engine spells it. */
  readonly type: string
  readonly count: number
  writeTo(bytes: ByteWriter): void
}

type WholeNumbers = Uint8Array | Uint16Array | Uint32Array | Int16Array

/** UInt8 to UInt32, Int16: whatever fits the array. */
export class NumberColumn implements Column {
  readonly type: string
  count = 0
  readonly #values: WholeNumbers

  constructor(type: string, values: WholeNumbers) {
    this.type = type
    this.#values = values
  }

  add(value: number): void {
    this.#values[this.count++] = value
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(bytesOf(this.#values))
  }
}

/** Whole numbers from 0 to 2^53 as UInt64; times in milliseconds as DateTime64(3). */
export class LongColumn implements Column {
  readonly type: string
  count = 0
  readonly #halves: Uint32Array

  constructor(type: string, rows: number) {
    this.type = type
    this.#halves = new Uint32Array(rows * 2)
  }

  add(value: number): void {
    const at = this.count++ * 2
    this.#halves[at] = value
    this.#halves[at + 1] = value / 4_294_967_296
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(bytesOf(this.#halves))
  }
}

/** All 64 bits of a UInt64. */
export class BigColumn implements Column {
  readonly type = 'UInt64'
  count = 0
  readonly #values: BigUint64Array

  constructor(rows: number) {
    this.#values = new BigUint64Array(rows)
  }

  add(value: bigint): void {
    this.#values[this.count++] = value
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(bytesOf(this.#values))
  }
}

/** Addresses of 16 bytes. */
export class AddressColumn implements Column {
  readonly type = 'IPv6'
  count = 0
  readonly #bytes: Uint8Array

  constructor(rows: number) {
    this.#bytes = new Uint8Array(rows * 16)
  }

  add(address: Uint8Array): void {
    this.#bytes.set(address, this.count++ * 16)
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(this.#bytes)
  }
}

export class EnumColumn implements Column {
  readonly type: string
  count = 0
  readonly #values: Uint8Array
  readonly #numbers: ReadonlyMap<string, number>

  /** `first` is the number of the first name; the others follow it. */
  constructor(names: readonly string[], first: number, rows: number) {
    this.type = `Enum8(${names.map((name, i) => `'${name}' = ${i + first}`).join(', ')})`
    this.#values = new Uint8Array(rows)
    this.#numbers = new Map(names.map((name, i) => [name, i + first]))
  }

  add(name: string): void {
    this.#values[this.count++] = this.#numbers.get(name) ?? unknownName(name, this.type)
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(this.#values)
  }
}

/** Strings: text, or bytes that may be anything. */
export class StringColumn implements Column {
  readonly type = 'String'
  count = 0
  readonly #bytes: ByteWriter

  constructor(rows: number) {
    this.#bytes = new ByteWriter(rows * 24)
  }

  add(value: string): void {
    this.count += 1
    this.#bytes.string(value)
  }

  addBytes(value: Uint8Array): void {
    this.count += 1
    this.#bytes.blob(value)
  }

  writeTo(bytes: ByteWriter): void {
    bytes.raw(this.#bytes.done())
  }
}

/** LowCardinality(String) is written with one dictionary, for this block alone (SerializationLowCardinality.cpp). */
const DICTIONARY_VERSION = 1
const HAS_ADDITIONAL_KEYS = 1 << 9

/** LowCardinality(String): each different value once, and for each row which. */
export class LowCardinalityColumn implements Column {
  readonly type = 'LowCardinality(String)'
  count = 0
  readonly #indexes: Uint32Array
  readonly #keys = new Map<string, number>()
  #lastValue: string | undefined
  #lastIndex = 0

  constructor(rows: number) {
    this.#indexes = new Uint32Array(rows)
  }

  add(value: string): void {
    // What came last often comes again, and to compare is cheaper than to look up.
    if (value !== this.#lastValue) {
      this.#lastIndex = this.#indexOf(value)
      this.#lastValue = value
    }
    this.#indexes[this.count++] = this.#lastIndex
  }

  writeTo(bytes: ByteWriter): void {
    const { kind, indexes } = this.#narrow()
    bytes.uint64(DICTIONARY_VERSION)
    bytes.uint64(kind | HAS_ADDITIONAL_KEYS)
    bytes.uint64(this.#keys.size)
    for (const key of this.#keys.keys()) bytes.string(key)
    bytes.uint64(this.count)
    bytes.raw(bytesOf(indexes))
  }

  #indexOf(value: string): number {
    const known = this.#keys.get(value)
    if (known !== undefined) return known
    const index = this.#keys.size
    this.#keys.set(value, index)
    return index
  }

  /** Indexes of as few bytes as the dictionary needs, and the format's number for that width. */
  #narrow(): { kind: number; indexes: WholeNumbers } {
    if (this.#keys.size <= 0x100) return { kind: 0, indexes: Uint8Array.from(this.#indexes) }
    if (this.#keys.size <= 0x1_0000) return { kind: 1, indexes: Uint16Array.from(this.#indexes) }
    return { kind: 2, indexes: this.#indexes }
  }
}

/** Columns of equal length as one block of the Native format. */
export function encodeColumns(columns: Readonly<Record<string, Column>>, rows: number): Buffer {
  const entries = Object.entries(columns)
  const bytes = new ByteWriter(rows * 320 + 8_192)
  bytes.varint(entries.length)
  bytes.varint(rows)
  for (const [name, column] of entries) {
    // A typed array takes no value beyond its end and says nothing: a wrong count must not pass.
    if (column.count !== rows) throw new Error(`column ${name} has ${column.count} values of ${rows}`)
    bytes.string(name)
    bytes.string(column.type)
    column.writeTo(bytes)
  }
  return bytes.done()
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function unknownName(name: string, type: string): never {
  throw new Error(`${JSON.stringify(name)} is none of ${type}`)
}
