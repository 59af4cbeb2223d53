import { Command, CommanderError } from 'commander'
import { createIo, type Io } from './io.ts'
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
  'OptionsError',
  'RulesUnusable',
  'StoreRefused',
  'StoreUnavailable',
])

type Register = (program: Command, io: Io) => void
type Group = { names: readonly string[]; load: () => Promise<Register> }

/** The commands as the help lists them. Only what is asked for is loaded: the engine alone takes 150 MB and half a second. */
const GROUPS: readonly Group[] = [
  { names: ['up'], load: async () => (await import('./commands/up.ts')).registerUp },
  { names: ['demo'], load: async () => (await import('./commands/demo.ts')).registerDemo },
  { names: ['lab'], load: async () => (await import('./commands/lab.ts')).registerLab },
  { names: ['config'], load: async () => (await import('./commands/config.ts')).registerConfig },
  { names: ['asn'], load: async () => (await import('./commands/asn.ts')).registerAsn },
  { names: ['token'], load: async () => (await import('./commands/token.ts')).registerToken },
  { names: ['store'], load: async () => (await import('./commands/store.ts')).registerStore },
  {
    names: ['ingest', 'enricher', 'detector', 'api'],
    load: async () => (await import('./commands/steps.ts')).registerSteps,
  },
  {
    names: ['dead-letters'],
    load: async () => (await import('./commands/dead-letters.ts')).registerDeadLetters,
  },
  { names: ['pcap', 'capture'], load: async () => (await import('./commands/capture.ts')).registerCapture },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).registerDoctor },
  { names: ['detect', 'explain'], load: async () => (await import('./commands/detect.ts')).registerDetect },
  { names: ['rules'], load: async () => (await import('./commands/rules.ts')).registerRules },
  { names: ['ready'], load: async () => (await import('./commands/ready.ts')).registerReady },
]

/** What a shell answers for a program that Ctrl-C ended. */
const INTERRUPTED = 130

/** What a shell answers for a program that writes to a pipe that nobody reads. */
const PIPE_CLOSED = 141

// `halfshake pcap FILE | head`: what can be closed in order is, all else ends at once and quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  if (process.listenerCount('SIGTERM') === 0) process.exit(PIPE_CLOSED)
  process.emit('SIGTERM')
})

const io = createIo({ env: process.env, stdout: process.stdout, stderr: process.stderr })

const program = new Command('halfshake')
  .description(
    'Finds the networks that cannot finish a TLS handshake with you, before they call you, and says why.',
  )
  .version(version)
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

for (const register of await groupsFor(process.argv[2])) register(program, io)
pointToHelp(program, program.name())

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** All of them for the help, and for a name that none of them has. */
function groupsFor(name: string | undefined): Promise<Register[]> {
  const named = GROUPS.filter(({ names }) => name !== undefined && names.includes(name))
  return Promise.all((named.length === 0 ? GROUPS : named).map(({ load }) => load()))
}

/** A mistake in a command's flags points to the help of that command. */
function pointToHelp(command: Command, called: string): void {
  command.showHelpAfterError(`("${called} --help" shows what there is)`)
  for (const below of command.commands) pointToHelp(below, `${called} ${below.name()}`)
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
