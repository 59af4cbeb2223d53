import { describe, expect, it } from 'vitest'
import { createTurns } from './turns.ts'

describe('turns', () => {
  it('run so many at a time, in the order they came, also after one that fails', async () => {
    const turns = createTurns(2)
    const begun: number[] = []
    let most = 0
    let running = 0
    const results = await Promise.allSettled(
      [1, 2, 3, 4, 5].map((number) =>
        turns(async () => {
          begun.push(number)
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setTimeout(resolve, 2))
          running -= 1
          if (number === 2) throw new Error('failed')
          return number
        }),
      ),
    )
    expect(begun).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true, true])
    expect(await turns(async () => 6)).toBe(6)
  })
})
