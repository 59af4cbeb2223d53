/** An enricher that does without its token, as a program: for the test that shows what the token is for. */
import { randomUUID } from 'node:crypto'
import { startAll } from '../../../core/runtime/lifecycle.ts'
import { loadConfig } from '../../config-file.ts'
import { endOfProcess } from '../../end-of-process.ts'
import { createIo } from '../../io.ts'
import { createEnricherStep } from '../processes.ts'

const io = createIo({ env: process.env, stdout: process.stdout, stderr: process.stderr })
const { config } = loadConfig(io, undefined)
const log = io.logger(config.log.level)
const end = endOfProcess()
const step = createEnricherStep(
  { config, log, onDeath: end.died, onAsnProgress: () => undefined },
  (handler) => ({ ...handler, store: (batches) => handler.store(batches, randomUUID()) }),
)
const running = await startAll(step.components, { log, end: end.reached })
await end.reached
await running.stop()
