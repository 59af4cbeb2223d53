import type { Command } from 'commander'
import { loadConfig } from '../config-file.ts'
import type { Io } from '../io.ts'
import { UserError } from '../user-error.ts'

type Answer = { status: string; checks: { name: string; ready: boolean; reason?: string }[] }

const TIMEOUT_MS = 4_000

/** Asks the process that this configuration describes, as a health check of a container or a person does. */
export function registerReady(program: Command, io: Io): void {
  program
    .command('ready')
    .description('is the process of this configuration ready, and if not, what does it wait for?')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(async ({ config: file, json }: { config?: string; json?: boolean }) => {
      const { host, port } = loadConfig(io, file).config.http.listen
      const url = `http://${reachable(host)}:${port}/readyz`
      const answer = await ask(url)
      if (json === true) io.print(JSON.stringify(answer))
      else for (const line of linesOf(answer, io)) io.print(line)
      if (answer.status !== 'ready') process.exitCode = 1
    })
}

/** Who listens on every address is asked on this machine's own. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

async function ask(url: string): Promise<Answer> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    // The shape is that of core/runtime/health.ts.
    return (await answer.json()) as Answer
  } catch (error) {
    const cause = (error as Error).cause ?? error
    throw new UserError(
      `nothing answers at ${url} (${(cause as Error).message}): is it started, and is http.listen right?`,
    )
  }
}

function linesOf({ status, checks }: Answer, io: Io): string[] {
  const mark = (ready: boolean) => (ready ? io.green('ready  ') : io.red('waiting'))
  return [
    ...checks.map(({ name, ready, reason = '' }) => `${mark(ready)}  ${name}  ${reason}`.trimEnd()),
    status === 'ready' ? 'Ready.' : 'Not ready.',
  ]
}
