import type { Command } from 'commander'
import { describeSettings } from '../../core/runtime/config.ts'
import { loadConfig } from '../config-file.ts'
import type { Io } from '../io.ts'

export function registerConfig(program: Command, io: Io): void {
  const config = program
    .command('config')
    .description('check the configuration, or list what can be configured')

  config
    .command('check')
    .description('parse the configuration and report every mistake at once')
    .option('-c, --config <file>', 'configuration file')
    .action(({ config: file }: { config?: string }) => {
      const loaded = loadConfig(io, file)
      io.print(`${loaded.file ?? 'The defaults'} and the environment: no mistakes.`)
    })

  config
    .command('show')
    .description('print every setting in force, with the variable that overrides it')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'for programs')
    .action(({ config: file, json }: { config?: string; json?: boolean }) => {
      const loaded = loadConfig(io, file)
      if (json === true) io.print(JSON.stringify(withoutHashes(loaded.config), null, 2))
      else for (const line of settingLines(withoutHashes(loaded.config), io)) io.print(line)
    })
}

function settingLines(config: object, io: Io): string[] {
  return describeSettings().flatMap(({ path, variable, description }) => [
    `${io.bold(path)} = ${JSON.stringify(valueAt(config, path)) ?? '(not set)'}`,
    io.dim(`    ${description} ${variable}`),
  ])
}

function valueAt(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], config)
}

/** Hashes of tokens are no secrets that open a door, but nobody needs them on a screen. */
function withoutHashes(config: ReturnType<typeof loadConfig>['config']): object {
  const tokens = config.http.tokens.map(({ name, scopes }) => ({ name, scopes }))
  return { ...config, http: { ...config.http, tokens } }
}
