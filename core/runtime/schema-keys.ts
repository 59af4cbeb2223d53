import { z } from 'zod'

/** The keys that a schema knows at a path, of all alternatives together; none where it holds no object. */
export function keysOf(schema: unknown, path: readonly string[]): string[] {
  const inner = unwrapped(schema)
  const [first, ...rest] = path
  if (inner instanceof z.ZodDiscriminatedUnion || inner instanceof z.ZodUnion) {
    return [...new Set(inner.options.flatMap((option) => keysOf(option, path)))]
  }
  if (inner instanceof z.ZodArray && first !== undefined) return keysOf(inner.element, rest)
  if (!(inner instanceof z.ZodObject)) return []
  if (first === undefined) return Object.keys(inner.shape)
  const shape: Record<string, unknown> = inner.shape
  return Object.hasOwn(shape, first) ? keysOf(shape[first], rest) : []
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodPipe) {
    // Of a preprocessed value the second half is the schema; of a transformed one the first.
    return unwrapped(schema.in instanceof z.ZodTransform ? schema.out : schema.in)
  }
  const outer =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  return outer ? unwrapped(schema.unwrap()) : schema
}
