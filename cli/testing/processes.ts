import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
export const PROGRAM = join(ROOT, 'bin', 'halfshake')
/** What `npm run build` made, started as bin/halfshake starts it where there are no sources. */
const BUILT = [process.execPath, '--max-semi-space-size=64', join(ROOT, 'dist', 'cli', 'main.js')]

/** A process of the program, as a user would start it. */
export type Running = {
  readonly child: ChildProcess
  /** What it wrote so far, both streams together. */
  output(): string
  /** Resolves with the exit code, or the signal's name. */
  ended: Promise<number | NodeJS.Signals>
}

export function halfshake(args: readonly string[], env: Record<string, string> = {}): Running {
  return startProgram([PROGRAM, ...args], env)
}

/** The same of the build, which must have been made. */
export function builtHalfshake(args: readonly string[], env: Record<string, string> = {}): Running {
  return startProgram([...BUILT, ...args], { UV_THREADPOOL_SIZE: '24', ...env })
}

/** Any program, with this process's environment and more. */
export function startProgram(
  [program = '', ...args]: readonly string[],
  env: Record<string, string>,
): Running {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-200_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals)
  return { child, output: () => output, ended }
}

/** Runs the program to its end. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const running = halfshake(args, env)
  return { code: await running.ended, output: running.output() }
}

/** A port that nobody listens on just now, for a process that is to come back on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

/** Waits until /readyz says yes; fails with what the process wrote when it ends before that. */
export async function untilReady(url: string, running: Running): Promise<void> {
  let ended = false
  void running.ended.then(() => {
    ended = true
  })
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    if (ended) throw new Error(`the process ended before it was ready:\n${running.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
