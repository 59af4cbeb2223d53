import { fault } from './fault.ts'
import type { Access } from './users.ts'

/** Places for queries that run at the same time. */
export type Places = {
  /** Resolves with what gives the place back. */
  take(access: Access): Promise<() => void>
  running(): number
}

/**
 * As many as `total`, of which readers may have all but a quarter, so that dashboards never keep our own processes
 * from writing. Who finds no place waits in line, for `waitMs` at most; when the line is full the answer is "busy".
 */
export function createPlaces({
  total,
  line,
  waitMs,
}: {
  total: number
  line: number
  waitMs: number
}): Places {
  const most: Record<Access, number> = { admin: total, reader: Math.max(1, Math.floor(total * 0.75)) }
  const waiting: { access: Access; enter: () => void }[] = []
  let running = 0

  const leave = () => {
    running -= 1
    const next = waiting.findIndex(({ access }) => running < most[access])
    if (next < 0) return
    const [entry] = waiting.splice(next, 1)
    entry?.enter()
  }
  const enter = () => {
    running += 1
    let held = true
    return () => {
      if (held) leave()
      held = false
    }
  }
  return {
    running: () => running,
    async take(access) {
      if (running < most[access]) return enter()
      if (waiting.length >= line) throw busy(total)
      return new Promise((resolve, reject) => {
        const entry = {
          access,
          enter: () => {
            clearTimeout(timer)
            resolve(enter())
          },
        }
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(entry), 1)
          reject(busy(total))
        }, waitMs)
        waiting.push(entry)
      })
    },
  }
}

function busy(total: number): Error {
  return fault.busy(`Too many simultaneous queries: ${total} run already; try again`)
}
