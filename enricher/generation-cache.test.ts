import { expect, it } from 'vitest'
import { createGenerationCache } from './generation-cache.ts'

it('keeps what is asked for and forgets what is not', () => {
  const cache = createGenerationCache<number, string>(10)
  for (let key = 0; key < 1000; key += 1) {
    cache.set(key, `value ${key}`)
    expect(cache.get(0)).toBe('value 0')
  }
  expect(cache.get(500)).toBeUndefined()
  expect(cache.get(999)).toBe('value 999')
})

it('never holds more than twice its size', () => {
  const cache = createGenerationCache<number, number>(10)
  for (let key = 0; key < 1000; key += 1) {
    cache.set(key, key)
    expect(cache.size()).toBeLessThanOrEqual(20)
  }
})

it('gives the newest value of a key, also when an older generation has one', () => {
  const cache = createGenerationCache<string, number>(2)
  cache.set('key', 1)
  cache.set('a', 0)
  cache.set('b', 0)
  cache.set('key', 2)
  expect(cache.get('key')).toBe(2)
})

it('is empty after clear', () => {
  const cache = createGenerationCache<string, number>(2)
  cache.set('key', 1)
  cache.clear()
  expect(cache.get('key')).toBeUndefined()
  expect(cache.size()).toBe(0)
})
