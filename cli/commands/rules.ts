import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { Alert } from '../../alerts/alert.ts'
import { backtest } from '../../alerts/backtest.ts'
import { parseRules, type RuleSource } from '../../alerts/parse-rules.ts'
import { createCountReader, singleKeptFrom } from '../../alerts/read-counts.ts'
import type { Rule } from '../../alerts/rule.ts'
import { explainRuleMistakes, readSources } from '../../alerts/rule-book.ts'
import { askedOf } from '../../alerts/window.ts'
import { subjectOf } from '../../alerts/words.ts'
import type { Config } from '../../core/runtime/config.ts'
import { parseDuration } from '../../core/runtime/quantity.ts'
import type { Store } from '../../core/store/store.ts'
import { replay } from '../../detector/backtest.ts'
import { createIncidentDescriber } from '../../detector/describe-incident.ts'
import { describedIncident, type Incident } from '../../detector/incident.ts'
import { createMinuteReader } from '../../detector/read-minutes.ts'
import { ruleSurroundings } from '../alerting.ts'
import { withStore } from '../any-store.ts'
import { loadConfig } from '../config-file.ts'
import { fileText } from '../file-text.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'
import { UserError } from '../user-error.ts'

export function registerRules(program: Command, io: Io): void {
  const rules = program.command('rules').description('check alert rules, or test them on what is stored')

  rules
    .command('check')
    .description('report every mistake in the rules: of a file, a folder, or those that are configured')
    .argument('[path]', 'file or folder; else alerts.rules')
    .option('-c, --config <file>', 'configuration file')
    .action((path: string | undefined, { config: file }: { config?: string }) => {
      const { config } = loadConfig(io, file)
      const found = loadRules(config, path)
      io.print(`${found.length} ${found.length === 1 ? 'rule' : 'rules'}, no mistakes.`)
    })

  rules
    .command('test')
    .description(
      'which alerts the rules would have given over what is stored, judged as they are judged live',
    )
    .argument('[path]', 'file or folder; else alerts.rules and the shipped rule')
    .option('-s, --since <duration>', 'so far back, as 14d', '14d')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(async (path: string | undefined, options: TestOptions) => test(io, path, options))
}

type TestOptions = { since: string; config?: string; json?: boolean }

async function test(io: Io, path: string | undefined, options: TestOptions): Promise<void> {
  const { config } = loadConfig(io, options.config)
  const rules = loadRules(config, path)
  const since = parseDuration(options.since)
  if (since === undefined)
    throw new UserError(`--since is ${JSON.stringify(options.since)}; allowed: a duration as 90m, 12h or 14d`)
  await withStore(config, io.logger('warn'), async (store) => {
    const to = Math.floor((Date.now() - config.detector.watermark) / 60_000) * 60
    const from = Math.max(to - Math.floor(since / 1_000), await firstMinute(store))
    const incidents = rules.some(({ what }) => what.kind === 'divergence')
      ? await replayed(io, store, { from, to, history: config.detector.history / 1_000 })
      : []
    const kept = { rawKeptMs: config.store.retention_raw, clock: Date.now }
    const single = singleKeptFrom(kept)
    if (askedOf(rules).single !== undefined && from < single)
      io.error(
        `rules by agent or server name are judged from ${time(single)} on: single handshakes are kept no longer`,
      )
    const alerts = await backtest({
      rules,
      readCounts: createCountReader(store, kept),
      incidents,
      from,
      to,
      onProgress: (share) => io.progress(`evaluating: ${Math.round(share * 100)} %`),
    })
    if (options.json === true) io.print(JSON.stringify(alerts.map(withTimes), null, 2))
    else printAlerts(io, rules, alerts, (to - from) / 86_400)
  })
}

function loadRules(config: Config, path: string | undefined): Rule[] {
  const parsed = parseRules(sourcesAt(config, path), ruleSurroundings(config))
  if (!parsed.ok) throw new UserError(explainRuleMistakes(parsed.mistakes))
  return parsed.rules
}

function sourcesAt({ alerts }: Config, path: string | undefined): RuleSource[] {
  if (path === undefined) return readSources(alerts.rules, alerts.default_rule)
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (isFolder) return readSources(path, false)
  return [{ file: basename(path), text: fileText('the file of rules', path) }]
}

async function firstMinute(store: Store): Promise<number> {
  const [row] = await store.query<{ first: number; rows: number }>(
    'SELECT toUnixTimestamp(min(minute)) AS first, count() AS rows FROM minutes_by_network',
  )
  if (row === undefined || row.rows === 0) throw new UserError('the store holds no handshakes yet')
  return row.first
}

/** Incidents that were open in the time asked for, from a detector that knows the time before it. */
async function replayed(
  io: Io,
  store: Store,
  { from, to, history }: { from: number; to: number; history: number },
): Promise<Incident[]> {
  const { incidents } = await replay({
    read: createMinuteReader(store),
    from: Math.max(from - history, await firstMinute(store)),
    to,
    onProgress: (share) => io.progress(`detecting: ${Math.round(share * 100)} %`),
  })
  const describe = createIncidentDescriber(store)
  const described: Incident[] = []
  for (const incident of incidents) {
    if (incident.closed_at !== 0 && incident.closed_at <= from) continue
    described.push(describedIncident(incident, await describe(incident)))
  }
  return described
}

function printAlerts(io: Io, rules: readonly Rule[], alerts: readonly Alert[], days: number): void {
  if (alerts.length > 0) {
    const rows = alerts.map((alert) => [
      time(alert.fired_at),
      alert.resolved_at === 0 ? 'fires' : time(alert.resolved_at),
      alert.rule,
      alert.severity,
      subjectOf({ ...alert, network: '' }),
    ])
    io.print(table(['fired', 'resolved', 'rule', 'severity', 'about'], rows, io))
  }
  for (const { id } of rules) {
    const own = alerts.filter(({ rule }) => rule === id).length
    const aDay = days < 1 ? '' : `, ${(own / days).toFixed(1)} a day`
    io.print(`${id}: ${own} ${own === 1 ? 'alert' : 'alerts'} in ${spanOf(days)}${aDay}.`)
  }
}

function spanOf(days: number): string {
  return days < 1 ? `${Math.round(days * 24 * 60)} minutes` : `${days.toFixed(1)} days`
}

function withTimes(alert: Alert) {
  const { minute: _, receivers: _receivers, ...told } = alert
  return {
    ...told,
    started_at: time(alert.started_at),
    fired_at: time(alert.fired_at),
    resolved_at: alert.resolved_at === 0 ? null : time(alert.resolved_at),
  }
}

function time(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
}
