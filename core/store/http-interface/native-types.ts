import { fault } from './fault.ts'

/** A type as `Name(arguments)`. */
export type NativeType = { name: string; args: readonly string[] }

/** Bytes of one value, for types whose values all have the same size. */
const FIXED: Record<string, number> = {
  Bool: 1,
  Nothing: 1,
  Int8: 1,
  UInt8: 1,
  Enum8: 1,
  Int16: 2,
  UInt16: 2,
  Enum16: 2,
  Date: 2,
  BFloat16: 2,
  Int32: 4,
  UInt32: 4,
  Float32: 4,
  Date32: 4,
  DateTime: 4,
  Time: 4,
  IPv4: 4,
  Decimal32: 4,
  Int64: 8,
  UInt64: 8,
  Float64: 8,
  DateTime64: 8,
  Time64: 8,
  Decimal64: 8,
  Int128: 16,
  UInt128: 16,
  UUID: 16,
  IPv6: 16,
  Decimal128: 16,
  Int256: 32,
  UInt256: 32,
  Decimal256: 32,
}

/** Bytes of one value; undefined when the size differs from value to value. */
export function fixedSize({ name, args }: NativeType): number | undefined {
  if (name === 'FixedString') return Number(args[0])
  if (name.startsWith('Interval')) return 8
  if (name !== 'Decimal') return FIXED[name]
  const digits = Number(args[0])
  return digits <= 9 ? 4 : digits <= 18 ? 8 : digits <= 38 ? 16 : 32
}

/** The elements of a tuple, without their names. */
export function elementTypes({ args }: NativeType): string[] {
  return args.map((arg) => /^(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*) +(?=[A-Z])(.+)$/s.exec(arg)?.[1] ?? arg)
}

export function parseType(text: string): NativeType {
  const open = text.indexOf('(')
  if (open < 0) return { name: text, args: [] }
  if (!text.endsWith(')')) throw fault.notImplemented(`the type ${text} is not understood`)
  return { name: text.slice(0, open), args: splitArguments(text.slice(open + 1, -1)) }
}

/** At the commas that stand in no parentheses and no quotes. */
function splitArguments(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let from = 0
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? ''
    if (quote !== '') {
      if (char === '\\') i += 1
      else if (char === quote) quote = ''
    } else if (char === "'" || char === '`') quote = char
    else if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(from, i).trim())
      from = i + 1
    }
  }
  parts.push(text.slice(from).trim())
  return parts
}
