import { once } from 'node:events'
import type { WriteStream } from 'node:tty'
import { createLogger, createPrettyStream, type Logger, type LogLevel } from '../core/runtime/log.ts'

/** The terminal and the environment, as the commands see them. */
export type Io = {
  readonly env: Record<string, string | undefined>
  /** Whether a person looks at the output. */
  readonly isTerminal: boolean
  print(text: string): void
  /** Resolves when what was printed is on its way: for output that may be longer than memory. */
  drained(): Promise<void>
  error(text: string): void
  /** A line that is written over by the next one on a terminal, and left out elsewhere. */
  progress(text: string): void
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  logger(level: LogLevel): Logger
}

type Stream = Pick<WriteStream, 'write' | 'writableNeedDrain'> & { isTTY?: boolean }

export function createIo({
  env,
  stdout,
  stderr,
}: {
  env: Record<string, string | undefined>
  stdout: Stream
  stderr: Stream
}): Io {
  const isTerminal = stdout.isTTY === true
  // https://no-color.org
  const colour = isTerminal && (env['NO_COLOR'] ?? '') === ''
  const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  let unfinished = false
  const clear = () => {
    if (unfinished) stderr.write('\r\u001b[K')
    unfinished = false
  }
  return {
    env,
    isTerminal,
    print(text) {
      clear()
      stdout.write(`${text}\n`)
    },
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout as WriteStream, 'drain')
    },
    error(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (stderr.isTTY !== true) return
      clear()
      stderr.write(text)
      unfinished = true
    },
    bold: paint(1),
    dim: paint(2),
    red: paint(31),
    green: paint(32),
    logger(level) {
      if (stderr.isTTY !== true) return createLogger({ level })
      const write = (line: string) => {
        clear()
        stderr.write(line)
      }
      return createLogger({ level, destination: createPrettyStream(write, colour) })
    },
  }
}
