import { type Command, InvalidArgumentError } from 'commander'
import { type Config, parseConfig } from '../../core/runtime/config.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { conclude } from '../../enricher/conclude.ts'
import { type Finding, MATRIX, runMatrix } from '../../lab/matrix/index.ts'
import { checkRequirements, type Machine } from '../../lab/network/index.ts'
import { PROGRAMS, renderMtuInbound, runMtuInbound, SCENARIOS } from '../../lab/scenarios/index.ts'
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
      const rows = [
        ...SCENARIOS.map(({ name, summary, duration }) => [name, duration, summary]),
        ...MATRIX.map(({ name, summary }) => [name, 'seconds', summary]),
      ]
      io.print(table(['scenario', 'takes', 'what is broken'], rows, io))
    })

  lab
    .command('run')
    .description(
      'make faults of the matrix, "all" of them or by name, and compare what is concluded with what is right',
    )
    .argument('<name...>', 'names that "halfshake lab list" shows, or all')
    .option('--repeat <times>', 'make each of them so many times, to see what is right by luck', repeatOf, 1)
    .option('--json', 'every finding, for programs')
    .action(async (names: string[], { json = false, repeat }: { json?: boolean; repeat: number }) => {
      const findings = await runScenarios(io, names, repeat)
      const wrong = findings.filter(({ ok }) => !ok)
      if (json) io.print(JSON.stringify(findings, null, 2))
      else printFindings(io, findings)
      if (wrong.length > 0)
        throw new UserError(`${wrong.length} of ${findings.length} conclusions were wrong`)
    })

  lab
    .command('mtu-inbound')
    .description(SCENARIOS[0].summary)
    .option('--json', 'the result, for programs')
    .action(async ({ json = false }: { json?: boolean }) => {
      // Before the pipeline, which takes its time to start.
      await checkRequirements(PROGRAMS, thisMachine(io))
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
      machine: thisMachine(io),
      report,
      signal: death.signal,
    })
  } finally {
    await running.stop()
  }
}

function thisMachine(io: Io): Machine {
  return { platform: process.platform, uid: process.getuid?.() ?? -1, path: io.env['PATH'] ?? '' }
}

/** Scenarios that wait for deadlines more than they work. */
const SIDE_BY_SIDE = 4

async function runScenarios(io: Io, names: readonly string[], repeat: number): Promise<Finding[]> {
  const unknown = names.filter((name) => name !== 'all' && !MATRIX.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new UserError(`no such scenario: ${unknown.join(', ')}; "halfshake lab list" shows what there is`)
  }
  const chosen = names.includes('all') ? MATRIX : MATRIX.filter(({ name }) => names.includes(name))
  const scenarios = Array.from({ length: repeat }, () => chosen).flat()
  await checkRequirements([...PROGRAMS, 'tcpdump'], thisMachine(io))
  let done = 0
  io.progress('making certificates, and the first networks')
  return runMatrix({
    scenarios,
    conclude,
    sideBySide: SIDE_BY_SIDE,
    onDone({ name }) {
      done += 1
      io.progress(`${done} of ${scenarios.length}: ${name}`)
    },
  })
}

/** A line for each scenario and observer: what is right, and what was concluded, how often. */
function printFindings(io: Io, findings: readonly Finding[]): void {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const key = `${finding.scenario} ${finding.observer}`
    groups.set(key, [...(groups.get(key) ?? []), finding])
  }
  const rows = [...groups.values()].map((group) => {
    const [{ scenario, observer } = { scenario: '', observer: '' }] = group
    const concluded = tally(group.map((one) => one.concluded || 'nothing seen'))
    const right = group.filter(({ ok }) => ok).length
    return [
      scenario,
      observer,
      `${right} of ${group.length}`,
      right === group.length ? 'right' : 'WRONG',
      concluded,
    ]
  })
  io.print(table(['scenario', 'observer', 'right', '', 'concluded'], rows, io))
  for (const { scenario, client, version, observer, concluded, evidence, right } of findings.filter(
    ({ ok }) => !ok,
  )) {
    io.print(
      `${io.red('wrong')}: ${scenario}, ${client} over ${version}, by ${observer}: ${concluded || 'nothing seen'} (${evidence}); right is ${right.join(' or ')}`,
    )
  }
}

/** Each with how often it is there, the commonest first; alone it is there as often as there are any. */
function tally(texts: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  const [only, ...more] = [...counts].sort(([, a], [, b]) => b - a)
  if (only === undefined) return ''
  if (more.length === 0) return only[0]
  return [only, ...more].map(([text, count]) => `${text} (${count})`).join(', ')
}

const MAX_REPEAT = 1_000

function repeatOf(text: string): number {
  const times = Number(text)
  if (Number.isInteger(times) && times >= 1 && times <= MAX_REPEAT) return times
  throw new InvalidArgumentError(`a whole number from 1 to ${MAX_REPEAT}`)
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
