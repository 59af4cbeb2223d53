import type { Command } from 'commander'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { loadConfig } from '../config-file.ts'
import {
  createApiStep,
  createDetectorStep,
  createEnricherStep,
  createIngestStep,
  type Step,
  type StepParts,
} from '../distributed/processes.ts'
import { endOfProcess } from '../end-of-process.ts'
import type { Io } from '../io.ts'

const STEPS: { name: string; does: string; create: (parts: StepParts) => Step }[] = [
  {
    name: 'ingest',
    does: 'run ingest alone: takes events over HTTP, hands them to Kafka',
    create: createIngestStep,
  },
  {
    name: 'enricher',
    does: 'run an enricher alone: from Kafka, with network and cause, into the store; any number at once',
    create: (parts) => createEnricherStep(parts),
  },
  {
    name: 'detector',
    does: 'run the detector alone: judges what is in the store; one at a time',
    create: createDetectorStep,
  },
  {
    name: 'api',
    does: 'run the API and its pages alone, over the store',
    create: createApiStep,
  },
]

/** The steps of the pipeline as processes of their own, with Kafka between and a ClickHouse server behind. */
export function registerSteps(program: Command, io: Io): void {
  for (const { name, does, create } of STEPS) {
    program
      .command(name)
      .description(does)
      .option('-c, --config <file>', 'configuration file')
      .action(({ config: file }: { config?: string }) => runStep(io, name, create, file))
  }
}

async function runStep(
  io: Io,
  name: string,
  create: (parts: StepParts) => Step,
  file: string | undefined,
): Promise<void> {
  const { config } = loadConfig(io, file)
  const end = endOfProcess()
  const log = io.logger(config.log.level)
  const step = create({
    config,
    log,
    onDeath: end.died,
    onAsnProgress: (share) => io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
  })
  const [http, ...rest] = step.components
  if (http === undefined) return
  const serving = await startAll([http], { log })
  io.print(`${name} serves ${step.url()}; ${step.url()}/readyz says what it waits for. Stop it with Ctrl-C.`)
  try {
    const running = await startAll(rest, { log, end: end.reached })
    try {
      await end.reached
    } finally {
      await running.stop()
    }
  } finally {
    await serving.stop()
  }
}
