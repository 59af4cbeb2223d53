/**
 * Values of a MaxMind DB's data section.
 * Source: https://maxmind.github.io/MaxMind-DB/, "Output Data Section".
 */
export type MmdbValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'uint16' | 'uint32' | 'uint64'; readonly value: number }
  | { readonly type: 'array'; readonly value: readonly MmdbValue[] }
  | { readonly type: 'map'; readonly value: Readonly<Record<string, MmdbValue>> }

const TYPE = { pointer: 1, string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11 } as const
/** Types above this one are written as an extended type: 0, and the type less 7 in a byte of its own. */
const LAST_SHORT_TYPE = 7
/** Offsets below this one fit into the shortest pointer; ours are those of the two field names. */
const SHORT_POINTER_LIMIT = 2048

export function encodeValue(value: MmdbValue): Buffer {
  switch (value.type) {
    case 'string': {
      const text = Buffer.from(value.value, 'utf8')
      return Buffer.concat([control(TYPE.string, text.length), text])
    }
    case 'uint16':
    case 'uint32':
    case 'uint64': {
      const bytes = encodeUint(value.value)
      return Buffer.concat([control(TYPE[value.type], bytes.length), bytes])
    }
    case 'array':
      return Buffer.concat([control(TYPE.array, value.value.length), ...value.value.map(encodeValue)])
    case 'map': {
      const entries = Object.entries(value.value)
      const parts = entries.flatMap(([key, member]) => [encodeValue(text(key)), encodeValue(member)])
      return Buffer.concat([control(TYPE.map, entries.length), ...parts])
    }
    default:
      return value satisfies never
  }
}

export function text(value: string): MmdbValue {
  return { type: 'string', value }
}

/** A map whose keys stand at these offsets of the data section: what every record of ours is. */
export function encodeMapOfPointers(entries: readonly (readonly [key: number, value: MmdbValue])[]): Buffer {
  const parts = entries.flatMap(([key, value]) => [encodePointer(key), encodeValue(value)])
  return Buffer.concat([control(TYPE.map, entries.length), ...parts])
}

/** The control byte, the extended type's byte and the bytes of a size from 29 on. */
function control(type: number, size: number): Buffer {
  const [low, rest] = splitSize(size)
  const head = type > LAST_SHORT_TYPE ? [low, type - 7] : [(type << 5) | low]
  return Buffer.from([...head, ...rest])
}

function splitSize(size: number): [low: number, rest: number[]] {
  if (size < 29) return [size, []]
  if (size < 285) return [29, [size - 29]]
  if (size < 65_821) return [30, [(size - 285) >> 8, (size - 285) & 0xff]]
  const over = size - 65_821
  if (over > 0xff_ffff) throw new RangeError(`a value of ${size} bytes is too long for a MaxMind DB`)
  return [31, [over >> 16, (over >> 8) & 0xff, over & 0xff]]
}

/** Big-endian without leading zeros: zero has no byte at all. */
function encodeUint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from(bytes)
}

/** 00100VVV VVVVVVVV: the pointer's shortest form. */
function encodePointer(offset: number): Buffer {
  if (offset >= SHORT_POINTER_LIMIT) throw new RangeError(`${offset} is too far for a short pointer`)
  return Buffer.from([(TYPE.pointer << 5) | (offset >> 8), offset & 0xff])
}
