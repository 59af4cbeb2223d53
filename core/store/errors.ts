import { StoreRefused, StoreUnavailable } from './store.ts'

/**
 * ClickHouse's error codes that another try cannot mend: what was asked is wrong, or not allowed.
 * Source: ClickHouse src/Common/ErrorCodes.cpp.
 */
const REFUSED = new Set([
  6, 10, 16, 20, 27, 33, 36, 42, 43, 44, 46, 47, 48, 50, 53, 57, 60, 62, 63, 70, 72, 80, 81, 115, 117, 130,
  139, 164, 170, 179, 184, 192, 193, 194, 215, 386, 456, 457, 492, 497, 516, 517, 584, 701,
])

/** Runs a call of the engine and gives its error a class: try again (`StoreUnavailable`) or do not (`StoreRefused`). */
export async function classify<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const message = firstLine(error)
    if (REFUSED.has(codeOf(error))) {
      throw new StoreRefused(message, { cause: error })
    }
    throw new StoreUnavailable(message, { cause: error })
  }
}

/** What stands behind an error, for the one sentence that says what to do about it; NaN when the engine said nothing. */
export function codeBehind(error: unknown): number {
  return error instanceof Error ? codeOf(error.cause) : Number.NaN
}

/** The engine's code; by its shape, since chdb throws the error class of its own copy of the client. */
function codeOf(error: unknown): number {
  return error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Several addresses that all failed come as an error without a message of its own.
  const text = error.message === '' && 'code' in error ? String(error.code) : error.message
  // A status without a body, from a proxy or from Node itself, leaves nothing to say.
  return text.split('\n')[0] || 'it answered with an error and no text'
}
