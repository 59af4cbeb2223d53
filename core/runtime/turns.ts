/** Runs what it is given, at most `limit` at a time, in the order it came. */
export type Turns = <T>(use: () => Promise<T>) => Promise<T>

export function createTurns(limit: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  return async (use) => {
    if (running === limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await use()
    } finally {
      // The place goes to the next in line as it is, so that none who comes meanwhile can take it.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
