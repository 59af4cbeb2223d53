import { renameSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Batch, Listed } from './batch.ts'
import { type BatchFile, fileName, formatBatchFile, parseBatchFile } from './batch-file.ts'
import { makeFolder, makeFolderSync } from './folder.ts'
import { createOwnership, isAbandoned } from './owner.ts'
import type { Store } from './store.ts'

export type DirectoryStoreParts = {
  directory: string
  epoch: number
  /** Told of a file that could not be read, with the events it is thought to have held. */
  onDamaged: (file: string, events: number) => void
}

/** Batches hold addresses of clients: nobody else on the machine needs to read them. */
const FILE = { mode: 0o600 } as const
const RUN = 'run-'

/**
 * Keeps batches as files: `DIRECTORY/run-EPOCH-PID/EPOCH/SEQUENCE.batch`, written under another name and renamed.
 *
 * A run owns one folder. What a dead run left is taken over one epoch at a time, by renaming the epoch's folder into
 * one's own: a rename has one winner, so of several processes on one directory one sends all of an epoch, in order,
 * and none sends what another does.
 */
export function createDirectoryStore({ directory, epoch, onDamaged }: DirectoryStoreParts): Store {
  const own = join(directory, `${RUN}${epoch}-${process.pid}`)
  const ownership = createOwnership(own)
  const pathOf = (batch: Pick<Batch, 'epoch' | 'sequence'>) => join(own, String(batch.epoch), fileName(batch))

  async function adopt(): Promise<Listed[]> {
    const found: Listed[] = []
    for (const name of await readdir(directory)) {
      const run = join(directory, name)
      if (!name.startsWith(RUN) || run === own || !(await isAbandoned(run))) continue
      for (const taken of await takeEpochs(run, own)) found.push(...(await listEpoch(taken)))
      await rm(join(run, 'owner.json'), { force: true })
      // Not empty when another process adopts the same run just now: it will remove the folder then.
      await rmdir(run).catch(() => undefined)
    }
    return found
  }

  /** Lists the batches of an epoch, without the parts of a batch that was being split: the whole is still there. */
  async function listEpoch(folder: string): Promise<Listed[]> {
    const files: BatchFile[] = []
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      const file = name.endsWith('.batch') ? parseBatchFile(await readFile(path)) : undefined
      if (file !== undefined) files.push(file)
      else {
        if (name.endsWith('.batch')) onDamaged(path, 0)
        await rm(path, { force: true })
      }
    }
    const whole = new Set(files.map((file) => file.sequence))
    const parts = files.filter(({ parent }) => parent !== undefined && whole.has(parent))
    for (const part of parts) await rm(join(folder, fileName(part)), { force: true })
    const rest = files.filter((file) => !parts.includes(file)).sort((a, b) => a.sequence - b.sequence)
    return rest.map(({ agent, epoch, sequence, events, body }, index) => ({
      ...{ agent, epoch, sequence, events, bytes: body.length },
      // One batch is under way at a time, in order: the dead run may have sent this one, and none after it.
      attempted: index === 0,
    }))
  }

  return {
    async open() {
      await makeFolder(directory)
      await ownership.take(async (folder) => {
        await makeFolder(join(folder, String(epoch)))
      })
      return adopt()
    },
    adopt,
    async write(batch, parent) {
      const path = pathOf(batch)
      await writeFile(`${path}.tmp`, formatBatchFile(batch, parent), FILE)
      await rename(`${path}.tmp`, path)
    },
    async read(listed) {
      const path = pathOf(listed)
      const file = parseBatchFile(await readFile(path).catch(() => Buffer.alloc(0)))
      if (file === undefined) onDamaged(path, listed.events)
      return file?.body
    },
    remove: (listed) => rm(pathOf(listed), { force: true }),
    writeSync(batch) {
      const path = pathOf(batch)
      makeFolderSync(join(own, String(batch.epoch)))
      writeFileSync(`${path}.exit`, formatBatchFile(batch), FILE)
      renameSync(`${path}.exit`, path)
    },
    async release() {
      await ownership.release()
      // There is none when the directory could not be written to.
      for (const name of await readdir(own).catch(() => []))
        await rmdir(join(own, name)).catch(() => undefined)
      await rmdir(own).catch(() => undefined)
    },
  }
}

/** Moves the epochs of an abandoned run into one's own folder; returns the new paths of those that were won. */
async function takeEpochs(run: string, own: string): Promise<string[]> {
  const taken: string[] = []
  for (const name of await readdir(run).catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const target = join(own, name)
    // ENOENT: another process was faster.
    await rename(join(run, name), target).then(
      () => taken.push(target),
      () => undefined,
    )
  }
  return taken
}
