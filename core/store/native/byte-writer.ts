/** Values one after another as ClickHouse's binary formats have them: little-endian, strings with a varint length. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0

  constructor(initialBytes = 1 << 16) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  /** What was written; a view that the next write may overwrite after `clear`. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** A whole number up to 2^53, as UInt64 or Int64. */
  uint64(value: number): void {
    this.#room(8)
    this.#put32(value >>> 0)
    this.#put32(Math.floor(value / 4_294_967_296))
  }

  raw(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** Bytes with their length before them: a String column that holds anything. */
  blob(value: Uint8Array): void {
    this.varint(value.length)
    this.raw(value)
  }

  string(value: string): void {
    const { length } = value
    // Short ASCII is the common case, and a loop beats the call into native code.
    if (length < 48) {
      this.#room(length + 1)
      const bytes = this.#bytes
      const start = this.#at
      bytes[start] = length
      let i = 0
      for (; i < length; i += 1) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        bytes[start + 1 + i] = code
      }
      if (i === length) {
        this.#at = start + 1 + length
        return
      }
    }
    this.varint(Buffer.byteLength(value))
    this.#room(length * 3)
    this.#at += this.#bytes.write(value, this.#at, 'utf8')
  }

  varint(value: number): void {
    this.#room(10)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#at++] = rest
  }

  #put32(value: number): void {
    const bytes = this.#bytes
    bytes[this.#at++] = value
    bytes[this.#at++] = value >>> 8
    bytes[this.#at++] = value >>> 16
    bytes[this.#at++] = value >>> 24
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}
