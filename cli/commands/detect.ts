import type { Command } from 'commander'
import { parseDuration } from '../../core/runtime/quantity.ts'
import type { Store } from '../../core/store/store.ts'
import { type Replay, replay } from '../../detector/backtest.ts'
import { createChangeTable } from '../../detector/change-table.ts'
import { CountsMistake, parseCounts } from '../../detector/counts-csv.ts'
import type { Incident } from '../../detector/incident.ts'
import { createOrderTable } from '../../detector/order-table.ts'
import { createMinuteReader } from '../../detector/read-minutes.ts'
import type { StreamState } from '../../detector/state.ts'
import { withStore } from '../any-store.ts'
import { loadConfig } from '../config-file.ts'
import { fileText } from '../file-text.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'
import { UserError } from '../user-error.ts'

const MINUTE_MS = 60_000

export function registerDetect(program: Command, io: Io): void {
  program
    .command('detect')
    .description(
      'judge what is stored, or counts from a file, as the detector judges live: which incidents would there be?',
    )
    .option('-s, --since <duration>', 'so far back in the store, as 14d', '14d')
    .option('-i, --input <file>', 'counts as CSV instead: minute,network,prefix,site,n,k,clients')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(
      async ({
        since,
        input,
        config: file,
        json,
      }: {
        since: string
        input?: string
        config?: string
        json?: boolean
      }) => {
        const { incidents, minutes } =
          input === undefined ? await judgeStore(io, file, since) : await judgeFile(io, input)
        if (json === true) io.print(JSON.stringify(incidents, null, 2))
        else printIncidents(io, incidents, minutes)
      },
    )

  program
    .command('explain')
    .description(
      'the numbers behind a verdict, or behind its absence: of a network (AS64500), a label, or a prefix (203.0.113.0/24)',
    )
    .argument('<subject>', 'AS64500, a label of networks.csv, or a prefix')
    .option('--at <time>', 'as it was at this time (ISO 8601); else now')
    .option('-s, --since <duration>', 'with so much history, as 14d', '14d')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action((subject: string, options: ExplainOptions) => explain(io, subject, options))
}

async function judgeStore(io: Io, file: string | undefined, since: string): Promise<Replay> {
  const { config } = loadConfig(io, file)
  const to = Math.floor((Date.now() - config.detector.watermark) / 1_000)
  return withStore(config, io.logger('warn'), (store) => replayStore(io, store, to - durationOf(since), to))
}

async function replayStore(io: Io, store: Store, from: number, to: number): Promise<Replay> {
  const [row] = await store.query<{ first: number; rows: number }>(
    'SELECT toUnixTimestamp(min(minute)) AS first, count() AS rows FROM minutes_by_network',
  )
  if (row === undefined || row.rows === 0) throw new UserError('the store holds no handshakes yet')
  const first = Math.max(from, row.first)
  return replay({
    read: createMinuteReader(store),
    from: first,
    to,
    closings: await createOrderTable(store, createChangeTable(store)).closings(first),
    onProgress: (share) => io.progress(`judging: ${Math.round(share * 100)} %`),
  })
}

async function judgeFile(io: Io, input: string): Promise<Replay> {
  try {
    const counts = parseCounts(fileText('--input', input))
    const minutes = counts.map(({ minute }) => minute)
    const from = minutes.reduce((least, minute) => Math.min(least, minute), Number.POSITIVE_INFINITY)
    const to = minutes.reduce((most, minute) => Math.max(most, minute), 0) + MINUTE_MS / 1_000
    if (counts.length === 0) throw new UserError(`${input} holds no counts`)
    const sorted = counts.sort((a, b) => a.minute - b.minute)
    return await replay({
      read: async (first, last) => sorted.filter(({ minute }) => minute >= first && minute < last),
      from,
      to,
      onProgress: (share) => io.progress(`judging: ${Math.round(share * 100)} %`),
    })
  } catch (error) {
    throw error instanceof CountsMistake ? new UserError(`${input}: ${error.message}`) : error
  }
}

function printIncidents(io: Io, incidents: readonly Incident[], minutes: number): void {
  if (incidents.length === 0) {
    io.print(`No incidents in ${minutes} minutes of counts.`)
    return
  }
  const rows = incidents.map((incident) => [
    time(incident.opened_at),
    incident.closed_at === 0 ? 'open' : time(incident.closed_at),
    incident.kind,
    incident.explanation,
  ])
  io.print(table(['opened', 'closed', 'kind', 'what'], rows, io))
  io.print(`${incidents.length} in ${minutes} minutes of counts.`)
}

type ExplainOptions = { at?: string; since: string; config?: string; json?: boolean }

async function explain(
  io: Io,
  subject: string,
  { at, since, config: file, json }: ExplainOptions,
): Promise<void> {
  const { config } = loadConfig(io, file)
  const until = at === undefined ? Date.now() - config.detector.watermark : Date.parse(at)
  if (!Number.isFinite(until))
    throw new UserError(`--at is ${JSON.stringify(at)}; allowed: a time as 2026-11-20T14:03:00Z`)
  const to = Math.floor(until / MINUTE_MS) * 60
  await withStore(config, io.logger('warn'), async (store) => {
    const stream = await streamOf(store, subject)
    const { detector, incidents } = await replayStore(io, store, to - durationOf(since), to)
    const state = detector.state(stream)
    if (state === undefined) throw new UserError(`nothing was seen of ${subject} until ${time(to)}`)
    const own = incidents.filter(
      ({ asn, label, prefix }) =>
        asn === stream.asn && label === stream.label && (stream.prefix === '' || prefix === stream.prefix),
    )
    if (json === true) io.print(JSON.stringify({ subject, at: time(to), ...state, incidents: own }, null, 2))
    else
      io.print(
        [
          ...stateInWords(io, subject, to, state),
          ...own.map(({ explanation }) => `incident: ${explanation}`),
        ].join('\n'),
      )
  })
}

/** What the subject is called in the store. */
async function streamOf(
  store: Store,
  subject: string,
): Promise<{ asn: number; label: string; prefix: string }> {
  const [, asn] = /^(?:AS)?(\d{1,10})$/i.exec(subject) ?? []
  const where =
    asn !== undefined
      ? 'asn = {asn:UInt32}'
      : subject.includes('/')
        ? 'prefix = {subject:String}'
        : 'label = {subject:String}'
  const parameters: Record<string, string | number> = asn === undefined ? { subject } : { asn: Number(asn) }
  const rows = await store.query<{ asn: number; label: string; handshakes: number }>(
    `SELECT asn, label, sum(handshakes) AS handshakes FROM minutes_by_prefix WHERE ${where} GROUP BY asn, label ORDER BY handshakes DESC LIMIT 1`,
    parameters,
  )
  const [row] = rows
  if (row === undefined)
    throw new UserError(
      `nothing is stored of ${subject}: give AS and a number, a label of networks.csv, or a prefix as it is stored (203.0.113.0/24, 2001:db8::/48)`,
    )
  return { asn: row.asn, label: row.label, prefix: subject.includes('/') ? subject : '' }
}

function stateInWords(io: Io, subject: string, at: number, state: StreamState): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`
  const number = (value: number) =>
    value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
  const episode =
    state.onset === 0
      ? ['no episode: nothing out of the ordinary lately']
      : [
          `since ${time(state.onset)}: ${number(state.failed)} of ${number(state.decided)} clients failed, ${state.failing_clients} distinct, the worst one ${state.worst_client_failed} times`,
        ]
  return [
    io.bold(`${subject} at ${time(at)}: ${verdictOf(state)}`),
    `usually ${percent(state.usual_rate)} fail, at most ${percent(state.expected_rate)} is to be expected (${number(state.history_failed)} of ${number(state.history_clients)} clients in its history, correlation ${state.rho.toFixed(3)})`,
    ...episode,
    `evidence ${number(state.evidence)} of ${number(state.threshold)} that an alarm takes; by excess: ${state.scores.map(({ excess, score }) => `${excess} → ${number(score)}`).join(', ')}`,
    ...(state.client_left_out ? ['one client that fails alone all the time is left out of the counts'] : []),
  ]
}

const OBJECTIONS: Record<Exclude<StreamState['objection'], ''>, string> = {
  small: 'the excess is too small to matter',
  no_history: 'too little is known of its past',
  one_client: 'a single client makes up the failures',
  extra_traffic: 'the failures come on top of the usual traffic, which goes on',
}

function verdictOf(state: StreamState): string {
  if (state.incident_open) return 'an incident is open'
  if (state.objection !== '') return `no alarm although the evidence suffices: ${OBJECTIONS[state.objection]}`
  return state.evidence >= state.threshold
    ? 'the evidence suffices'
    : 'no alarm, the evidence does not suffice'
}

function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined)
    throw new UserError(`--since is ${JSON.stringify(text)}; allowed: a duration as 90m, 12h or 14d`)
  return Math.floor(ms / 1_000)
}

function time(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
}
