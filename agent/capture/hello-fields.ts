/** Extensions that are read, by their numbers (IANA TLS ExtensionType Values). */
export const EXTENSION = {
  serverName: 0,
  groups: 10,
  signatures: 13,
  alpn: 16,
  earlyData: 42,
  versions: 43,
} as const
export const EMPTY: Buffer = Buffer.alloc(0)

/** Values that clients send so that servers learn to pass over what they do not know (RFC 8701). */
export function isNoGrease(value: number): boolean {
  return (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 0xff)
}

/** A list of 16-bit numbers. */
export function numbers(list: Buffer | undefined): number[] {
  const found: number[] = []
  if (list === undefined) return found
  for (let at = 0; at + 2 <= list.length; at += 2) found.push(list.readUInt16BE(at))
  return found
}

/** Reads on; past the end it answers zeros and says that it is broken. */
export class FieldReader {
  broken = false
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  left(): number {
    return this.#bytes.length - this.#at
  }

  skip(count: number): void {
    this.#take(count)
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : (this.#bytes[at] ?? 0)
  }

  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#bytes.readUInt16BE(at)
  }

  bytes(count: number): Buffer {
    const at = this.#take(count)
    return at < 0 ? EMPTY : this.#bytes.subarray(at, at + count)
  }

  /** Where they begin; -1 past the end. */
  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) {
      this.broken = true
      this.#at = this.#bytes.length
      return -1
    }
    this.#at = at + count
    return at
  }
}
