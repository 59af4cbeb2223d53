import { existsSync, readFileSync } from 'node:fs'
import { type Config, type Mistake, parseConfig } from '../core/runtime/config.ts'
import type { Io } from './io.ts'
import { UserError } from './user-error.ts'

const DEFAULT_FILE = 'halfshake.yaml'

/** Reads the configuration: the file asked for, else HALFSHAKE_CONFIG, else halfshake.yaml if it is there. */
export function loadConfig(io: Io, asked: string | undefined): { config: Config; file: string | undefined } {
  const file = asked ?? io.env['HALFSHAKE_CONFIG'] ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const parsed = parseConfig({
    ...(file === undefined ? {} : { yaml: read(file), file }),
    env: io.env,
  })
  if (!parsed.ok) throw new UserError(explainMistakes(parsed.mistakes))
  refuseOpenDoor(parsed.config)
  return { config: parsed.config, file }
}

/** Without tokens everybody may do everything: that is for this machine only. */
function refuseOpenDoor({ http }: Config): void {
  const { host } = http.listen
  if (http.tokens.length > 0 || host === '::1' || host.startsWith('127.')) return
  throw new UserError(
    `http.listen is ${host}, which others can reach, but there are no tokens: make one with "halfshake token create" and put it under http.tokens, or listen on 127.0.0.1`,
  )
}

function explainMistakes(mistakes: readonly Mistake[]): string {
  const lines = mistakes.map(({ where, message, allowed }) => `  ${where}: ${message}; allowed: ${allowed}`)
  return [
    `The configuration has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}:`,
    ...lines,
  ].join('\n')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`the configuration ${file} cannot be read: ${(error as Error).message}`)
  }
}
