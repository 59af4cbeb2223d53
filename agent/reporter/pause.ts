import type { Clock } from '../clock.ts'

/** Waiting between attempts, which a drain can cut short. */
export type Pause = {
  /**
   * Waits so many ms. `asked` says that the server named the delay: then nothing shortens it.
   * Resolves to false when the wait was given up because it would end too late.
   */
  for(ms: number, asked: boolean): Promise<boolean>
  /** No wait may end past this moment of the steady clock; undefined lifts the bound. Applies to the wait under way too. */
  notPast(until: number | undefined): void
  /** Whether the latest wait was given up and the bound still stands. */
  readonly givenUp: boolean
}

/** The wait never keeps the process alive. */
export function createPause(clock: Clock): Pause {
  let bound = Number.POSITIVE_INFINITY
  let givenUp = false
  let underWay: { end: number; asked: boolean; resolve: (waited: boolean) => void } | undefined

  const settle = (waited: boolean) => {
    givenUp = !waited
    underWay?.resolve(waited)
    underWay = undefined
  }

  return {
    for: (ms, asked) =>
      new Promise((resolve) => {
        const end = clock.steady() + ms
        underWay = { end, asked, resolve }
        if (end > bound) return settle(false)
        const timer = setTimeout(() => settle(true), ms).unref()
        underWay.resolve = (waited) => {
          clearTimeout(timer)
          resolve(waited)
        }
      }),
    notPast(until) {
      bound = until ?? Number.POSITIVE_INFINITY
      if (until === undefined) givenUp = false
      if (underWay === undefined || until === undefined) return
      // A drain tries once more at once, unless the server said when to come back.
      if (!underWay.asked && clock.steady() < bound) settle(true)
      else if (underWay.end > bound) settle(false)
    },
    get givenUp() {
      return givenUp
    },
  }
}
