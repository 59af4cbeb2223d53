import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { scratchFolder } from '../testing/scratch.ts'
import type { Batch } from './batch.ts'
import { fileName, formatBatchFile } from './batch-file.ts'
import { createDirectoryStore } from './directory-store.ts'

let directory: string
let damaged: string[]
beforeEach(() => {
  directory = scratchFolder('spool')
  damaged = []
})

const batch = (sequence: number, epoch: number): Batch => ({
  ...{ agent: 'edge/1', epoch, sequence, events: 3, body: Buffer.from(`body ${sequence}`) },
})
const storeOf = (epoch: number) =>
  createDirectoryStore({ directory, epoch, onDamaged: (file) => damaged.push(file) })

/** A run whose process is gone: its folder as it lies there after a kill -9. */
async function deadRun(epoch: number, sequences: number[]): Promise<string> {
  const store = storeOf(epoch)
  await store.open()
  for (const sequence of sequences) await store.write(batch(sequence, epoch))
  const run = join(directory, `run-${epoch}-${process.pid}`)
  // On this machine, and a pid that cannot be (above pid_max).
  const owner = JSON.parse(readFileSync(join(run, 'owner.json'), 'utf8'))
  writeFileSync(join(run, 'owner.json'), JSON.stringify({ ...owner, pid: 2 ** 22 + 1 }))
  const dead = join(directory, `run-${epoch}-1`)
  renameSync(run, dead)
  return dead
}

test('what a dead run left is listed in order, with its own agent, epoch and numbers', async () => {
  await deadRun(100, [5, 6, 7])
  const store = storeOf(200)
  const found = await store.open()
  expect(found.map(({ agent, epoch, sequence, events }) => ({ agent, epoch, sequence, events }))).toEqual(
    [5, 6, 7].map((sequence) => ({ agent: 'edge/1', epoch: 100, sequence, events: 3 })),
  )
  // Only the first can have been under way when the run died.
  expect(found.map(({ attempted }) => attempted)).toEqual([true, false, false])
  const [first] = found
  expect(first && (await store.read(first))?.toString()).toBe('body 5')
  expect(readdirSync(directory)).toEqual([`run-200-${process.pid}`])
})

test('of several runs on one directory one takes all of an epoch', async () => {
  await deadRun(100, [1, 2, 3])
  await deadRun(101, [1])
  const found = await Promise.all([300, 301, 302, 303].map((epoch) => storeOf(epoch).open()))
  expect(found.flat()).toHaveLength(4)
  for (const list of found) {
    const ofFirst = list.filter(({ epoch }) => epoch === 100)
    expect([0, 3]).toContain(ofFirst.length)
  }
})

test('a living run is left alone, one that was released is not', async () => {
  const living = storeOf(100)
  await living.open()
  await living.write(batch(1, 100))
  expect(await storeOf(200).open()).toEqual([])
  await living.release()
  expect(await storeOf(300).open()).toHaveLength(1)
})

test('a run that died while adopting loses nothing', async () => {
  await deadRun(100, [1])
  const adopter = storeOf(200)
  await adopter.open()
  await adopter.write(batch(1, 200))
  await adopter.release()
  expect((await storeOf(300).open()).map(({ epoch }) => epoch).sort()).toEqual([100, 200])
})

test('a damaged file is told of and passed over, a half-written one is nothing', async () => {
  const run = await deadRun(100, [1])
  const folder = join(run, '100')
  writeFileSync(join(folder, fileName({ sequence: 2 })), formatBatchFile(batch(2, 100)).subarray(0, -3))
  writeFileSync(join(folder, fileName({ sequence: 3 })), 'not a batch')
  writeFileSync(join(folder, `${fileName({ sequence: 4 })}.tmp`), 'half')
  const found = await storeOf(200).open()
  expect(found.map(({ sequence }) => sequence)).toEqual([1])
  expect(damaged).toHaveLength(2)
})

test('parts of a batch that was being split are void while the whole is there', async () => {
  const run = await deadRun(100, [4])
  const part = (sequence: number) =>
    writeFileSync(join(run, '100', fileName({ sequence })), formatBatchFile(batch(sequence, 100), 4))
  part(5)
  part(6)
  expect((await storeOf(200).open()).map(({ sequence }) => sequence)).toEqual([4])
})

test('parts whose whole is gone are all there is', async () => {
  const run = await deadRun(100, [])
  mkdirSync(join(run, '100'), { recursive: true })
  writeFileSync(join(run, '100', fileName({ sequence: 5 })), formatBatchFile(batch(5, 100), 4))
  expect((await storeOf(200).open()).map(({ sequence }) => sequence)).toEqual([5])
})
