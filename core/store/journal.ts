import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Block } from './store.ts'

/** A block that lies in the journal: its folder, and the token that makes writing it again harmless. */
export type Entry = { folder: string; token: string; files: { table: string; path: string }[] }

/**
 * What the embedded store is about to write, on disk first. A block touches three tables and five rollups, and a
 * crash can fall between any two of them; the journal is what the rest is rebuilt from, under the same
 * deduplication token, so that what was already there is recognised. It is also what the engine reads the rows
 * from: a binary file is the fastest way into it.
 */
export type Journal = {
  /** Blocks left behind by a crash, oldest first; entries that were never completed are removed. */
  pending(): Promise<Entry[]>
  add(block: Block): Promise<Entry>
  /** Files for the engine to read, under the caller's own token: not owed, gone after a crash. */
  lend(block: Block, token: string): Promise<Entry>
  remove(entry: Entry): Promise<void>
}

const UNFINISHED = 'unfinished-'

export async function openJournal(folder: string, { fsync }: { fsync: boolean }): Promise<Journal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Differs at every start, so that a number used again is another token.
  const incarnation = randomBytes(6).toString('hex')
  let count = 0
  const writeDraft = async (block: Block, sync: boolean) => {
    count += 1
    const name = `${Date.now()}-${incarnation}-${count}`
    const draft = join(folder, UNFINISHED + name)
    await mkdir(draft)
    for (const { table, data } of block) await writeRows(join(draft, table), data, sync)
    return { name, draft }
  }
  return {
    async pending() {
      const names = (await readdir(folder)).sort()
      const unfinished = names.filter((name) => name.startsWith(UNFINISHED))
      for (const name of unfinished) await rm(join(folder, name), { recursive: true, force: true })
      const complete = names.filter((name) => !name.startsWith(UNFINISHED))
      return Promise.all(complete.map((name) => readEntry(join(folder, name))))
    },
    async add(block) {
      const { name, draft } = await writeDraft(block, fsync)
      // The rename makes it whole: before it the block was never accepted, after it it will be stored.
      await rename(draft, join(folder, name))
      if (fsync) await syncFolder(folder)
      return entryOf(join(folder, name), name, block)
    },
    async lend(block, token) {
      const { draft } = await writeDraft(block, false)
      return entryOf(draft, token, block)
    },
    remove: ({ folder: done }) => rm(done, { recursive: true, force: true }),
  }
}

async function readEntry(folder: string): Promise<Entry> {
  const tables = (await readdir(folder)).sort()
  return entryOf(
    folder,
    basename(folder),
    tables.map((table) => ({ table })),
  )
}

function entryOf(folder: string, token: string, block: readonly { table: string }[]): Entry {
  return { folder, token, files: block.map(({ table }) => ({ table, path: join(folder, table) })) }
}

async function writeRows(path: string, data: Uint8Array, fsync: boolean): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(data)
    if (fsync) await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
