import { nativeForRevision } from './native.ts'

/** Makes of bytes that come in any pieces the blocks that a client of this revision expects, whole blocks at a time. */
export type NativeStream = { take(piece: Buffer): Buffer; rest(): Buffer }

export function createNativeStream(revision: number): NativeStream {
  let pieces: Buffer[] = []
  let size = 0
  let tryAt = 0
  const attempt = (): Buffer => {
    const bytes = Buffer.concat(pieces)
    const { converted, used } = nativeForRevision(bytes, revision)
    pieces = used < bytes.length ? [bytes.subarray(used)] : []
    size -= used
    // A block that is not whole yet is looked at again when there is twice as much of it.
    tryAt = size * 2
    return converted
  }
  return {
    take(piece) {
      pieces.push(piece)
      size += piece.length
      return size < tryAt ? Buffer.alloc(0) : attempt()
    },
    rest() {
      const converted = attempt()
      if (size > 0) throw new RangeError('a Native block ends before its columns do')
      return converted
    },
  }
}
