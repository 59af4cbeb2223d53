import { describe, expect, it } from 'vitest'
import { type Component, startAll } from './lifecycle.ts'
import { createLogger } from './log.ts'

const log = createLogger({ level: 'silent' })

describe('the lifecycle', () => {
  it('starts in order and stops in reverse', async () => {
    const seen: string[] = []
    const running = await startAll([part('a', seen), part('b', seen)], { log })
    await running.stop()
    await running.stop()
    expect(seen).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('stops the first two when the third does not start, and says why it did not', async () => {
    const seen: string[] = []
    const third: Component = { ...part('c', seen), start: () => Promise.reject(new Error('no disk')) }
    await expect(startAll([part('a', seen), part('b', seen), third], { log })).rejects.toThrow('no disk')
    expect(seen).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it.each(['comes', 'fails'])('stops the part that is still starting when the end %s', async (way) => {
    const seen: string[] = []
    let giveUp = (_error: Error): void => undefined
    const waits: Component = {
      name: 'b',
      start: () => new Promise((_, reject) => (giveUp = reject)),
      stop: async () => {
        seen.push('stop b')
        giveUp(new Error('stopped'))
      },
    }
    const end = new Promise<void>((resolve, reject) =>
      setTimeout(() => (way === 'comes' ? resolve() : reject(new Error('died'))), 5),
    )
    const running = await startAll([part('a', seen), waits, part('c', seen)], { log, end })
    await running.stop()
    expect(seen).toEqual(['start a', 'stop b', 'stop a'])
  })

  it('gives up a part that hangs or fails while it stops, and stops the rest', async () => {
    const seen: string[] = []
    const hangs: Component = { ...part('b', seen), stop: () => new Promise(() => undefined) }
    const fails: Component = { ...part('c', seen), stop: () => Promise.reject(new Error('no')) }
    await (await startAll([part('a', seen), hangs, fails], { log, stopTimeoutMs: 10 })).stop()
    expect(seen).toContain('stop a')
  })
})

function part(name: string, seen: string[]): Component {
  return {
    name,
    start: async () => void seen.push(`start ${name}`),
    stop: async () => void seen.push(`stop ${name}`),
  }
}
