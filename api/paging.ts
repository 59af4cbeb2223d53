import type { z } from 'zod'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Moment } from './parameter-types.ts'
import type { Call } from './route.ts'
import { type Clock, iso, resolveWindow, type Window, windowOf } from './window.ts'

type PagedQuery = { from?: Moment | undefined; to?: Moment | undefined; cursor?: string | undefined }

/** The page asked for: the window of its query, and the key after which it begins (undefined on the first page). */
export function startPage<Key>(
  { query, asked }: Pick<Call<unknown, PagedQuery>, 'query' | 'asked'>,
  { clock, key }: { clock: Clock; key: z.ZodType<Key> },
): { window: Window; after: Key | undefined } {
  if (query.cursor === undefined) return { window: resolveWindow(query, clock), after: undefined }
  const place = decodeCursor(query.cursor, { ...asked, key })
  return { window: windowOf(place.from, place.to, clock), after: place.after }
}

/**
 * Cuts a page off rows of which one more was read than asked for: that one says that there is a next page.
 * `keyOf` gives the sort key of a row.
 */
export function finishPage<Row>(
  rows: readonly Row[],
  {
    limit,
    window,
    asked,
    keyOf,
  }: {
    limit: number
    window: Window
    asked: Call<unknown, unknown>['asked']
    keyOf: (row: Row) => unknown
  },
): { page: Row[]; next_cursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  if (rows.length <= limit || last === undefined) return { page, next_cursor: null }
  const place = { from: window.from, to: window.to, after: keyOf(last) }
  return { page, next_cursor: encodeCursor(asked.path, asked.query, place) }
}

export function windowAnswer({ from, to, rollup }: Window) {
  return { from: iso(from), to: iso(to), rollup }
}
