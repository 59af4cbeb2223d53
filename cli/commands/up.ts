import { once } from 'node:events'
import type { Command } from 'commander'
import { ComponentDied, startAll } from '../../core/runtime/lifecycle.ts'
import { loadConfig } from '../config-file.ts'
import type { Io } from '../io.ts'
import { createPipeline } from '../pipeline.ts'
import { readerConnections } from '../reader-connections.ts'

export function registerUp(program: Command, io: Io): void {
  program
    .command('up')
    .description('run the whole pipeline in this process: ingest, enricher, store, detector, API')
    .option('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { config?: string }) => {
      const { config } = loadConfig(io, file)
      const log = io.logger(config.log.level)
      const end = endOfProcess()
      const pipeline = createPipeline({
        config,
        log,
        readers: readerConnections(io.env),
        onDeath: end.died,
        onAsnProgress: (share) => io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
      })
      const running = await startAll(pipeline.components, { log })
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

/** Resolves at SIGTERM or SIGINT; rejects when a component died. */
export function endOfProcess(): {
  reached: Promise<unknown>
  died: (component: string, error: unknown) => void
} {
  let died: (component: string, error: unknown) => void = () => undefined
  const death = new Promise<never>((_, reject) => {
    died = (component, error) => reject(new ComponentDied(component, error))
  })
  // It may die before anybody waits.
  death.catch(() => undefined)
  const signalled = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  return { reached: Promise.race([signalled, death]), died }
}
