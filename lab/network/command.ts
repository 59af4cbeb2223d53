import { execFile, spawnSync } from 'node:child_process'
import { LabError } from './lab-error.ts'

/** Debian's package for each program the lab calls. */
const PACKAGES: Record<string, string> = {
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  openssl: 'openssl',
  tcpdump: 'tcpdump',
}
const DEADLINE_MS = 15_000

export type Command = (program: string, args: readonly string[], input?: string) => Promise<string>

/**
 * Runs a program and gives back its standard output.
 * @throws LabError naming the package when it is not installed, the privilege when it is refused, the deadline (ms) when
 * it was not done by then and was ended.
 */
export const commandWithin =
  (deadline: number): Command =>
  (program, args, input) =>
    new Promise((resolve, reject) => {
      const child = execFile(program, args, { timeout: deadline }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else if (error.killed === true) reject(tooSlow(program, args, deadline, error))
        else reject(explain(program, args, error, stderr))
      })
      // A program that ends before reading its input says why on stderr; the broken pipe adds nothing.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })

export const runCommand: Command = commandWithin(DEADLINE_MS)

/** The same without a promise, for the last moments of a process. Errors are left to the next start. */
export function runLast(program: string, args: readonly string[]): string {
  return spawnSync(program, args, { encoding: 'utf8', timeout: DEADLINE_MS }).stdout ?? ''
}

function tooSlow(program: string, args: readonly string[], deadline: number, error: Error): LabError {
  const call = `${program} ${args.join(' ')}`
  return new LabError(`${call} was not done after ${deadline / 1000} s`, 'is the machine overloaded?', error)
}

function explain(
  program: string,
  args: readonly string[],
  error: Error & { code?: unknown },
  stderr: string,
): LabError {
  if (error.code === 'ENOENT') return notInstalled(program, error)
  const said = stderr.trim() || error.message
  const call = `${program} ${args.join(' ')}`
  if (/not permitted|permission denied/i.test(said)) {
    return new LabError(`${call} was refused (${said})`, NEEDS_ROOT, error)
  }
  return new LabError(`${call} failed`, said, error)
}

export function notInstalled(program: string, cause?: unknown): LabError {
  const name = PACKAGES[program] ?? program
  return new LabError(`${program} is not installed`, `apt-get install ${name}`, cause)
}

export const NEEDS_ROOT =
  'network namespaces need root (CAP_SYS_ADMIN and CAP_NET_ADMIN): run it with sudo, or the container with --privileged'
