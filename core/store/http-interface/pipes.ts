import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The reading end of a query's result. */
export type Pipe = {
  /** Where the engine is to write. */
  readonly path: string
  /** What it wrote, as it comes; reading slowly makes the engine wait. Ends after `written`. */
  readonly output: Socket
  /** To be called when the engine has written everything, or never will. */
  written(): void
  /** Ends the reading, so that an engine that waits to write fails instead. */
  abandon(): void
}

export type Pipes = { open(): Pipe }

/**
 * Named pipes through which the engine hands over results: its threads write, this process's loop reads. The engine's
 * own streaming begins a query on the calling thread, where a constant subquery stalls the whole process; its
 * other calls keep the whole result in memory. Source: fifo(7)
 */
export async function createPipes(folder: string, count: number): Promise<Pipes> {
  const own = await mkdtemp(join(folder, 'results-'))
  const free = Array.from({ length: count }, (_, i) => join(own, String(i)))
  await promisify(execFile)('mkfifo', ['-m', '600', ...free])
  return {
    open() {
      const path = free.pop()
      if (path === undefined) throw new Error('more results than pipes at the same time')
      return openPipe(path, () => free.push(path))
    },
  }
}

function openPipe(path: string, giveBack: () => void): Pipe {
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  // Held open, so that the reading end sees no end before the engine has opened its own.
  const held = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const output = new Socket({ fd: reading, readable: true, writable: false })
  let open = true
  return {
    path,
    output,
    written() {
      if (!open) return
      open = false
      closeSync(held)
      if (output.destroyed) giveBack()
      else output.once('close', giveBack)
    },
    abandon: () => void output.destroy(),
  }
}
