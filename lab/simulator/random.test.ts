import { expect, test } from 'vitest'
import { randomOf } from './random.ts'

const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw)
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test('the same keys give the same numbers, other keys others', () => {
  const of = (...keys: (string | number)[]) => {
    const random = randomOf(...keys)
    return draws(5, () => random.next())
  }
  expect(of('seed', 1)).toEqual(of('seed', 1))
  expect(of('seed', 1)).not.toEqual(of('seed', 2))
  expect(of('a', 'bc')).not.toEqual(of('ab', 'c'))
})

test('numbers of keys side by side have nothing to do with each other', () => {
  const firsts = Array.from({ length: 2000 }, (_, key) => randomOf('seed', key).next())
  expect(mean(firsts)).toBeCloseTo(0.5, 1)
  const lagged = mean(firsts.slice(1).map((value, at) => (value - 0.5) * ((firsts[at] ?? 0) - 0.5))) * 12
  expect(Math.abs(lagged)).toBeLessThan(0.1)
})

test.each([0, 0.3, 4, 49, 51, 400])(
  'a Poisson count with mean %d has that mean, and its variance',
  (expected) => {
    const random = randomOf('poisson', expected)
    const counts = draws(4000, () => random.poisson(expected))
    const average = mean(counts)
    expect(Math.abs(average - expected)).toBeLessThanOrEqual(0.08 * Math.sqrt(expected))
    const variance = mean(counts.map((count) => (count - average) ** 2))
    expect(Math.abs(variance - expected)).toBeLessThanOrEqual(0.12 * expected)
  },
)

test('weights decide how often each is taken', () => {
  const random = randomOf('weights')
  const taken = draws(5000, () =>
    random.weighted([
      [1, 3],
      [0, 1],
    ]),
  )
  expect(mean(taken)).toBeCloseTo(0.75, 1)
})
