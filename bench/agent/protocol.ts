import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

/** What the processes of this benchmark say to each other over Node's IPC: one request, one answer. */
export type Request =
  | { do: 'handshakes'; ports: number[]; count: number }
  | { do: 'idle'; port: number; count: number }
  | { do: 'measure' }
  | { do: 'collect' }
export type Usage = {
  /** CPU of the process since its start, user and system, µs. */
  cpu: number
  /** Heap and buffers after a collection, bytes. */
  memory: number
  /** Events the agent has not delivered yet. */
  waiting: number
  delivered: number
}

export type Peer = { port: number; ask<T>(request: Request): Promise<T>; stop(): void }

/** Starts one of the programs beside this file; resolves when it tells the port it listens on (0 for none). */
export async function startPeer(
  program: string,
  args: string[],
  cpu: number,
  flags: string[] = [],
): Promise<Peer> {
  const path = join(import.meta.dirname, program)
  const child = fork(path, args, { execArgv: [...flags, '--expose-gc', '--import', 'tsx'] })
  const port = await nextMessage<number>(child)
  if (child.pid !== undefined) await pin(child.pid, cpu)
  return {
    port,
    ask: (request) => {
      child.send(request)
      return nextMessage(child)
    },
    // There is nothing in it that must be ended in order.
    stop: () => child.kill('SIGKILL'),
  }
}

/** Answers requests on the other side; first tells the port. */
export function serve(port: number, answer: (request: Request) => Promise<unknown>): void {
  process.on('message', (request: Request) => {
    void answer(request).then((reply) => process.send?.(reply))
  })
  // A benchmark that was interrupted leaves nothing running.
  process.on('disconnect', () => process.exit())
  process.send?.(port)
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`a process of the benchmark ended with ${code}`))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      // Each request has one kind of answer; both ends are in this folder.
      resolve(message as T)
    })
  })
}

/** Keeps a process, with all its threads, on one core, where the system has taskset. */
async function pin(pid: number, cpu: number): Promise<void> {
  const { execFile } = await import('node:child_process')
  await new Promise<void>((resolve) => {
    execFile('taskset', ['-apc', String(cpu), String(pid)], () => resolve())
  })
}
