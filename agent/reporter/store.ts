import type { Batch, Listed } from './batch.ts'

/** Where the bodies of sealed batches lie. Two kinds: `createMemoryStore`, `createDirectoryStore`. */
export type Store = {
  /** Makes ready and returns the batches an earlier run left, in no order. */
  open(): Promise<Listed[]>
  /** Takes over what other runs have left since; as `open`. */
  adopt(): Promise<Listed[]>
  /** Keeps a batch. `parent` is the sequence of the batch it is a part of, which is removed afterwards. */
  write(batch: Batch, parent?: number): Promise<void>
  /** The body, undefined when it cannot be read any more. */
  read(listed: Listed): Promise<Buffer | undefined>
  remove(listed: Listed): Promise<void>
  /** As `write`, at the process's exit. Undefined where nothing survives it. */
  writeSync: ((batch: Batch) => void) | undefined
  /** Leaves what is kept to the next run. */
  release(): Promise<void>
}

/** Keeps batches in memory: what is not sent when the process ends is lost. */
export function createMemoryStore(): Store {
  const bodies = new Map<string, Buffer>()
  return {
    open: async () => [],
    adopt: async () => [],
    async write(batch) {
      bodies.set(keyOf(batch), batch.body)
    },
    read: async (listed) => bodies.get(keyOf(listed)),
    async remove(listed) {
      bodies.delete(keyOf(listed))
    },
    writeSync: undefined,
    async release() {
      bodies.clear()
    },
  }
}

export function keyOf({ epoch, sequence }: Pick<Batch, 'epoch' | 'sequence'>): string {
  return `${epoch}/${sequence}`
}
