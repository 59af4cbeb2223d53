import type { Command } from 'commander'
import { type Config, describeSettings, isSecret } from '../../core/runtime/config.ts'
import { openNetworksFile } from '../../enricher/overrides.ts'
import { loadConfig } from '../config-file.ts'
import type { Io } from '../io.ts'
import { writtenSetting } from '../written-setting.ts'

export function registerConfig(program: Command, io: Io): void {
  const config = program
    .command('config')
    .description('check the configuration, or list what can be configured')

  config
    .command('check')
    .description('parse the configuration, and the networks file it names, and report every mistake at once')
    .option('-c, --config <file>', 'configuration file')
    .action(async ({ config: file }: { config?: string }) => {
      const loaded = loadConfig(io, file)
      const { networks } = loaded.config.enricher
      if (networks !== undefined) await openNetworksFile(networks)
      io.print(`${loaded.file ?? 'The defaults'} and the environment: no mistakes.`)
    })

  config
    .command('show')
    .description('print every setting in force, with the variable that overrides it')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(({ config: file, json }: { config?: string; json?: boolean }) => {
      const loaded = loadConfig(io, file)
      if (json === true) io.print(JSON.stringify(withoutSecrets(loaded.config), null, 2))
      else for (const line of settingLines(withoutSecrets(loaded.config), io)) io.print(line)
    })
}

function settingLines(config: object, io: Io): string[] {
  return describeSettings().flatMap(({ path, variable, description }) => [
    `${io.bold(path)} = ${writtenSetting(variable, valueAt(config, path))}`,
    io.dim(`    ${description} ${variable}`),
  ])
}

function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], config)
}

/** Without hashes, which nobody needs on a screen, and without passwords. */
function withoutSecrets(config: Config): object {
  const tokens = config.http.tokens.map(({ name, scopes }) => ({ name, scopes }))
  const users = config.store.users.map(({ name, access }) => ({ name, access }))
  const shown: Record<string, Record<string, unknown>> = structuredClone({
    ...config,
    http: { ...config.http, tokens },
    store: { ...config.store, users },
  })
  for (const { path } of describeSettings()) {
    const [section = '', key = ''] = path.split('.')
    const within = shown[section]
    if (isSecret(path) && within?.[key] !== undefined) within[key] = '(set)'
  }
  return shown
}
