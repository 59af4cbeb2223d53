import type { Command } from 'commander'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { loadConfig } from '../config-file.ts'
import { endOfProcess } from '../end-of-process.ts'
import type { Io } from '../io.ts'
import { createPipeline } from '../pipeline.ts'
import { readerConnections } from '../reader-connections.ts'
import { UserError } from '../user-error.ts'

export function registerUp(program: Command, io: Io): void {
  program
    .command('up')
    .description('run the whole pipeline in this process: ingest, enricher, store, detector, alerts, API')
    .option('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { config?: string }) => {
      const { config } = loadConfig(io, file)
      if (config.store.url !== undefined) {
        throw new UserError(
          'store.url is set, but "halfshake up" holds its store itself: unset it, or run ingest, enricher, detector and api',
        )
      }
      const log = io.logger(config.log.level)
      const end = endOfProcess()
      const pipeline = createPipeline({
        config,
        log,
        readers: readerConnections(io.env),
        onDeath: end.died,
        onAsnProgress: (share) => io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
      })
      const running = await startAll(pipeline.components, { log, end: end.reached })
      io.print(`Halfshake is up on ${pipeline.url()}
  look      ${pipeline.url()}/
  API       ${pipeline.url()}/docs
  agents    send to ${pipeline.url()}/v1/events; docs/agents.md says how
Stop it with Ctrl-C.`)
      try {
        await end.reached
      } finally {
        await running.stop()
      }
    })
}
