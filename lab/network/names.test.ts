import { expect, test } from 'vitest'
import { asOwner, isAlive, namespaceName, ownerOf } from './names.ts'

const stat = (name: string, start: number) =>
  `42 (${name}) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 ${start} 1000 1`

test('a namespace tells which process made it, and when that began', () => {
  const owner = asOwner(42, () => stat('node', 123_456))
  expect(ownerOf(namespaceName(owner, 'client-1'))).toEqual({ pid: 42, start: (123_456).toString(36) })
})

test('a process name with brackets and spaces does not shift the start time', () => {
  expect(asOwner(42, () => stat('a) b (c', 99)).start).toBe((99).toString(36))
})

test.each(['docker0', 'hs-client', 'hs-12-client', 'hs-x-1-client', 'my-hs-1-a-client', ''])(
  'a namespace named %j is none of ours',
  (name) => expect(ownerOf(name)).toBeNull(),
)

test('an owner is alive while its process is, and not when its pid went to a later process', () => {
  const owner = asOwner(42, () => stat('node', 100))
  expect(isAlive(owner, () => stat('node', 100))).toBe(true)
  expect(isAlive(owner, () => stat('other', 200))).toBe(false)
})

test('an owner without a process is dead', () => {
  const owner = { pid: 42, start: 'a' }
  const noSuchProcess = () => {
    throw new Error('ENOENT')
  }
  expect(isAlive(owner, noSuchProcess)).toBe(false)
})

test('this process is alive', () => expect(isAlive(asOwner(process.pid))).toBe(true))
