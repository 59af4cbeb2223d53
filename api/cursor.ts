import { createHash } from 'node:crypto'
import { z } from 'zod'
import { badParameters } from './parameters.ts'

/**
 * Where a page ended: the window as it was resolved for the first page (so that `-1h` does not slide while paging)
 * and the sort key of the last item, from which the next page goes on.
 */
export type Place<Key> = { from: number; to: number; after: Key }

/** A moment that the engine's DateTime can hold, in ms since 1970. */
const MOMENT = z.int().min(0).max(4_294_967_295_000)
/** These may change from page to page. */
const NOT_PART_OF_THE_QUERY = new Set(['cursor', 'limit'])

/** An opaque text for the next page of this query. */
export function encodeCursor(path: string, query: Record<string, unknown>, place: Place<unknown>): string {
  const content = { q: fingerprint(path, query), f: place.from, t: place.to, a: place.after }
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}

/** Reads a cursor back. Throws a 400 problem when it is no cursor, or one of another query. */
export function decodeCursor<Key>(
  cursor: string,
  { path, query, key }: { path: string; query: Record<string, unknown>; key: z.ZodType<Key> },
): Place<Key> {
  const shape = z.strictObject({ q: z.string(), f: MOMENT, t: MOMENT, a: key })
  const content = shape.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')))
  if (!content.success) throw refused('cursor was not made here', 'the next_cursor of an answer, unchanged')
  const { q, f, t, a } = content.data
  if (q !== fingerprint(path, query)) {
    throw refused(
      'cursor belongs to another query',
      'the same path and parameters as in the request that gave it; only limit may change',
    )
  }
  return { from: f, to: t, after: a }
}

function fingerprint(path: string, query: Record<string, unknown>): string {
  const asked = Object.entries(query)
    .filter(([name]) => !NOT_PART_OF_THE_QUERY.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([path, asked]))
    .digest('base64url')
    .slice(0, 16)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refused(message: string, allowed: string) {
  return badParameters([{ parameter: 'cursor', message, allowed }])
}
