import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { Config } from '../../core/runtime/config.ts'
import { createHealthRouter } from '../../core/runtime/health.ts'
import { createHttpServer } from '../../core/runtime/http-server.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import type { Logger } from '../../core/runtime/log.ts'
import { hashToken } from '../../core/runtime/tokens.ts'
import { createEmbeddedStore } from '../../core/store/embedded.ts'
import { loadConfig } from '../config-file.ts'
import { endOfProcess } from '../end-of-process.ts'
import type { Io } from '../io.ts'
import { createProcessMetrics } from '../process-metrics.ts'
import { retentionOf } from '../retention.ts'
import { createStoreInterface } from '../store-interface.ts'
import { storeQueries } from '../store-queries.ts'
import { UserError } from '../user-error.ts'

const ACCESSES = ['reader', 'admin'] as const

export function registerStore(program: Command, io: Io): void {
  const store = program
    .command('store')
    .description(
      'run the store alone, for other processes: the embedded engine over the ClickHouse HTTP interface',
    )
    .option('-c, --config <file>', 'configuration file')
    .action(({ config: file }: { config?: string }) => runStore(io, file))

  store
    .command('password')
    .description(
      'print a new password for a user of the store, and what to put into the configuration for it',
    )
    .requiredOption('-n, --name <name>', 'the user')
    .requiredOption('-a, --access <access>', `what it may do: ${ACCESSES.join(' or ')}`)
    .option('--json', 'for programs')
    .action(({ name, access, json }: { name: string; access: string; json?: boolean }) => {
      if (!ACCESSES.some((known) => known === access)) {
        throw new UserError(`no such access: ${access}; there are ${ACCESSES.join(' and ')}`)
      }
      const password = randomBytes(24).toString('base64url')
      const hash = hashToken(password)
      if (json === true) io.print(JSON.stringify({ name, access, password, hash }))
      else io.print(explain(io, name, access, password, hash))
    })
}

async function runStore(io: Io, file: string | undefined): Promise<void> {
  const { config } = loadConfig(io, file)
  const log = io.logger(config.log.level)
  const end = endOfProcess()
  const { components, url } = createStoreProcess({ config, log, concurrent: storeQueries(io.env) })
  const running = await startAll(components, { log, end: end.reached })
  const { users } = config.store
  io.print(`The store answers on ${url()}
  try it    curl '${url()}/?query=SHOW%20TABLES'${users.length === 0 ? '' : ' -u NAME'}
  users     ${users.map(({ name, access }) => `${name} (${access})`).join(', ') || 'default (admin) and reader (reader), without passwords, on this machine only'}
Stop it with Ctrl-C.`)
  try {
    await end.reached
  } finally {
    await running.stop()
  }
}

function createStoreProcess({
  config,
  log,
  concurrent,
}: {
  config: Config
  log: Logger
  /** Queries at the same time. */
  concurrent: number
}) {
  const registry = createProcessMetrics()
  const store = createEmbeddedStore({
    folder: config.data.folder,
    retention: retentionOf(config),
    fsync: config.store.fsync,
    readers: 1,
    log,
  })
  const answers = createStoreInterface({ config, store, registry, log, concurrent })
  // Started first, so that /readyz says what is waited for.
  const health = createHttpServer({
    ...config.http.listen,
    routers: [createHealthRouter({ checks: [answers.check], registry })],
    log,
  })
  return { components: [health, store, answers], url: answers.url }
}

function explain(io: Io, name: string, access: string, password: string, hash: string): string {
  return `${io.bold(password)}
  The password of ${name}. It is shown only now; what is kept is its hash.

Put this into the configuration:
store:
  users:
    - name: ${JSON.stringify(name)}
      hash: ${hash}
      access: ${access}`
}
