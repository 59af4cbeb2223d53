import type { Command } from 'commander'
import { type Config, parseConfig } from '../../core/runtime/config.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { renderMtuInbound, runMtuInbound, SCENARIOS } from '../../lab/scenarios/index.ts'
import { readAsnRanges } from '../../lab/simulator/index.ts'
import type { Io } from '../io.ts'
import { createPipeline } from '../pipeline.ts'
import { readerConnections } from '../reader-connections.ts'
import { table } from '../table.ts'
import { withTemporaryFolder } from '../temporary-folder.ts'
import { UserError } from '../user-error.ts'

/** A minute is judged soon after its end: in the lab nothing arrives late. */
const WATERMARK = '10s'

export function registerLab(program: Command, io: Io): void {
  const lab = program
    .command('lab')
    .description(
      'break real networks, in namespaces of this machine, and see whether it is found (Linux, root)',
    )

  lab
    .command('list')
    .description('the scenarios there are')
    .action(() => {
      const rows = SCENARIOS.map(({ name, summary, duration }) => [name, duration, summary])
      io.print(table(['scenario', 'takes', 'what is broken'], rows, io))
    })

  lab
    .command('mtu-inbound')
    .description(SCENARIOS[0].summary)
    .option('--json', 'the result, for programs')
    .action(async ({ json = false }: { json?: boolean }) => {
      const result = await withTemporaryFolder('lab', (folder) => mtuInbound(folder, io, json))
      io.print(json ? JSON.stringify(result) : renderMtuInbound(result))
      if (!result.ok) throw new UserError('the lab did not find what it should have found')
    })
}

async function mtuInbound(folder: string, io: Io, json: boolean) {
  const report = json ? io.error : io.print
  const log = io.logger('warn')
  const death = new AbortController()
  const pipeline = createPipeline({
    config: configOf(folder),
    log,
    readers: readerConnections(io.env),
    onDeath: (component, error) => {
      io.error(`${component} died: ${String(error)}`)
      death.abort(error)
    },
    onAsnProgress: (share) => io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
  })
  report('starting the pipeline')
  const running = await startAll(pipeline.components, { log })
  try {
    const url = pipeline.url()
    return await runMtuInbound({
      pipeline: { ingestUrl: url, apiUrl: url },
      ranges: readAsnRanges(),
      machine: { platform: process.platform, uid: process.getuid?.() ?? -1, path: io.env['PATH'] ?? '' },
      report,
      signal: death.signal,
    })
  } finally {
    await running.stop()
  }
}

function configOf(folder: string): Config {
  const parsed = parseConfig({
    env: {
      HALFSHAKE_DATA_FOLDER: folder,
      HALFSHAKE_HTTP_LISTEN: '127.0.0.1:0',
      HALFSHAKE_DETECTOR_WATERMARK: WATERMARK,
    },
  })
  if (!parsed.ok)
    throw new Error(parsed.mistakes.map(({ where, message }) => `${where}: ${message}`).join('; '))
  return parsed.config
}
