import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { parseRules } from '../../alerts/parse-rules.ts'
import type { RuleSource } from '../../alerts/read-rules.ts'
import type { Rule } from '../../alerts/rule.ts'
import { explainRuleMistakes, readSources } from '../../alerts/rule-files.ts'
import { rulesFileJsonSchema } from '../../alerts/rule-json-schema.ts'
import { lastJudgedMinute, type Tested, testedAlert, testRules, timeText } from '../../alerts/rule-test.ts'
import { subjectOf } from '../../alerts/words.ts'
import type { Config } from '../../core/runtime/config.ts'
import { parseDuration } from '../../core/runtime/quantity.ts'
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

  registerSchema(rules, io)
}

function registerSchema(rules: Command, io: Io): void {
  rules
    .command('schema')
    .description('print the JSON Schema of files of rules, for editors')
    .action(() => io.print(JSON.stringify(rulesFileJsonSchema(), null, 2)))
}

type TestOptions = { since: string; config?: string; json?: boolean }

async function test(io: Io, path: string | undefined, options: TestOptions): Promise<void> {
  const { config } = loadConfig(io, options.config)
  const rules = loadRules(config, path)
  const since = parseDuration(options.since)
  if (since === undefined)
    throw new UserError(`--since is ${JSON.stringify(options.since)}; allowed: a duration as 90m, 12h or 14d`)
  await withStore(config, io.logger('warn'), async (store) => {
    const to = lastJudgedMinute(Date.now(), config.detector.watermark)
    const tested = await testRules({
      rules,
      store,
      from: to - Math.floor(since / 1_000),
      to,
      historyMs: config.detector.history,
      kept: { rawKeptMs: config.store.retention_raw, clock: Date.now },
      onProgress: (doing, share) => io.progress(`${doing}: ${Math.round(share * 100)} %`),
    })
    if (tested === undefined) throw new UserError('the store holds no handshakes yet')
    if (tested.single_from !== undefined)
      io.error(
        `rules by agent or server name are judged from ${timeText(tested.single_from)} on: single handshakes are kept no longer`,
      )
    if (options.json === true) io.print(JSON.stringify(tested.alerts.map(testedAlert), null, 2))
    else printAlerts(io, tested)
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

function printAlerts(io: Io, { alerts, from, to, rules }: Tested): void {
  if (alerts.length > 0) {
    const rows = alerts.map((alert) => [
      timeText(alert.fired_at),
      alert.resolved_at === 0 ? 'fires' : timeText(alert.resolved_at),
      alert.rule,
      alert.severity,
      subjectOf({ ...alert, network: '' }),
    ])
    io.print(table(['fired', 'resolved', 'rule', 'severity', 'about'], rows, io))
  }
  const days = (to - from) / 86_400
  for (const { id, alerts: count, a_day } of rules) {
    const aDay = days < 1 ? '' : `, ${a_day.toFixed(1)} a day`
    io.print(`${id}: ${count} ${count === 1 ? 'alert' : 'alerts'} in ${spanOf(days)}${aDay}.`)
  }
}

function spanOf(days: number): string {
  return days < 1 ? `${Math.round(days * 24 * 60)} minutes` : `${days.toFixed(1)} days`
}
