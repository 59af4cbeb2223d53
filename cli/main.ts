import { Command, CommanderError } from 'commander'
import { registerAsn } from './commands/asn.ts'
import { registerCapture } from './commands/capture.ts'
import { registerConfig } from './commands/config.ts'
import { registerDeadLetters } from './commands/dead-letters.ts'
import { registerDemo } from './commands/demo.ts'
import { registerDetect } from './commands/detect.ts'
import { registerLab } from './commands/lab.ts'
import { registerReady } from './commands/ready.ts'
import { registerSteps } from './commands/steps.ts'
import { registerStore } from './commands/store.ts'
import { registerToken } from './commands/token.ts'
import { registerUp } from './commands/up.ts'
import { createIo } from './io.ts'
import { UserError } from './user-error.ts'
import { version } from './version.ts'

/** Errors whose message was written for the person at the terminal. */
const FORESEEN = new Set([
  'ComponentDied',
  'DatabaseUnusable',
  'FeedError',
  'FolderHeld',
  'LabError',
  'ListenFailed',
  'NetworksFileUnusable',
  'StoreRefused',
  'StoreUnavailable',
])

/** What a shell answers for a program that Ctrl-C ended. */
const INTERRUPTED = 130

const io = createIo({ env: process.env, stdout: process.stdout, stderr: process.stderr })

const program = new Command('halfshake')
  .description(
    'Finds the networks that cannot finish a TLS handshake with you, before they call you, and says why.',
  )
  .version(version)
  .showHelpAfterError('(halfshake --help shows what there is)')
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `
Start here:
  halfshake demo                  a made-up edge with one broken network; look at what is found
  halfshake up                    the whole pipeline in one process, on http://127.0.0.1:8080
  halfshake config check          is the configuration right?

Configuration comes from halfshake.yaml (or --config FILE, or HALFSHAKE_CONFIG), then from HALFSHAKE_… variables;
"halfshake config show" lists every setting.`,
  )

registerUp(program, io)
registerDemo(program, io)
registerLab(program, io)
registerConfig(program, io)
registerAsn(program, io)
registerToken(program, io)
registerStore(program, io)
registerSteps(program, io)
registerDeadLetters(program, io)
registerCapture(program, io)
registerDetect(program, io)
registerReady(program, io)

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** One line that says what was wrong; a stack only for what nobody foresaw. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode
  if (error instanceof Error && error.name === 'Interrupted') return INTERRUPTED
  const foreseen = error instanceof UserError || (error instanceof Error && FORESEEN.has(error.name))
  io.error(
    foreseen
      ? (error as Error).message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  return 1
}
