import { stat } from 'node:fs/promises'
import type { Logger } from '../core/runtime/log.ts'

/** What became of a look at the file: metric label and log field. */
export type LoadResult = 'loaded' | 'refused' | 'missing'

/** The value made of a file, kept up to date with it. */
export type WatchedFile<Value> = {
  /** Loads the file for the first time. Throws what `load` throws. */
  open(): Promise<void>
  /** Looks at the file, and loads it when it changed since and has come to rest. Never throws. */
  refresh(): Promise<void>
  /** The last good value; undefined before `open`. */
  current(): Value | undefined
}

/**
 * A file whose new versions take the place of the old in one step. It is looked at rather than listened to, because
 * that also notices a replaced link or a remote change. A changed file is loaded once it was the same in two
 * looks, so that one being written in place is left alone; when it is missing or `load` refuses it, the last good
 * value stays in force, which is logged once for each state of the file.
 */
export function createWatchedFile<Value>({
  path,
  load,
  onSwap,
  onResult,
  log,
}: {
  path: string
  load: (path: string) => Promise<Value>
  onSwap: (value: Value) => void
  onResult: (result: LoadResult) => void
  log: Logger
}): WatchedFile<Value> {
  let value: Value | undefined
  /** State of the file that was judged last, good or bad. */
  let judged = ''
  let lastSeen = ''

  return {
    current: () => value,
    async open() {
      const before = await stampOf(path)
      value = await load(path)
      judged = before
      lastSeen = before
      onResult('loaded')
    },
    async refresh() {
      const stamp = await stampOf(path)
      const atRest = stamp === lastSeen
      lastSeen = stamp
      if (stamp === judged || !atRest) return
      judged = stamp
      if (stamp === MISSING) {
        onResult('missing')
        log.warn({ path }, 'the file is gone; its last version stays in force')
        return
      }
      await reload(stamp)
    },
  }

  async function reload(stamp: string): Promise<void> {
    let loaded: Value
    try {
      loaded = await load(path)
    } catch (error) {
      // Written to while it was read: not a state to judge. The next look sees another stamp.
      if ((await stampOf(path)) !== stamp) return
      onResult('refused')
      log.error(
        { path, error: (error as Error).message },
        'the new version cannot be used; the last good one stays in force',
      )
      return
    }
    if ((await stampOf(path)) !== stamp) {
      judged = ''
      return
    }
    value = loaded
    onResult('loaded')
    log.info({ path }, 'took the new version of the file')
    onSwap(loaded)
  }
}

const MISSING = 'missing'

/** Differs whenever the file is another one or was written to. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return MISSING
  }
}
