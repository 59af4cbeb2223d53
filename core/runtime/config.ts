import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { type Config, checkTogether, configSchema } from './config-schema.ts'
import { nearest } from './nearest.ts'
import { keysOf } from './schema-keys.ts'

export type { Config } from './config-schema.ts'

export type Mistake = {
  /** Where: file and field, or the environment variable. */
  where: string
  message: string
  allowed: string
}

const PREFIX = 'HALFSHAKE_'
/** Variables of the same prefix that are not configuration. */
const NOT_CONFIG = new Set(['HALFSHAKE_CONFIG'])

/**
 * Parses the YAML text of a file and the HALFSHAKE_… variables over it.
 * All mistakes come back together: each with its place, what is allowed, and the nearest known key.
 */
export function parseConfig({
  yaml = '',
  file = 'configuration',
  env = {},
}: {
  yaml?: string
  file?: string
  env?: Record<string, string | undefined>
}): { ok: true; config: Config } | { ok: false; mistakes: Mistake[] } {
  const read = readYaml(yaml, file)
  if (!read.ok) return { ok: false, mistakes: [read.mistake] }
  const { tree, sources, mistakes } = overlay(read.value, env)
  const parsed = configSchema.safeParse(tree)
  const alone = checkTogether(tree).map((issue) => ({ ...issue, code: 'custom' }))
  if (parsed.success && mistakes.length + alone.length === 0) return { ok: true, config: parsed.data }
  const found = [...(parsed.error?.issues ?? []), ...alone].flatMap((issue) =>
    explain(issue, tree, file, sources),
  )
  return { ok: false, mistakes: [...mistakes, ...found] }
}

/** Every setting: its path, its variable, its default and what it is for. */
export function describeSettings(): { path: string; variable: string; description: string }[] {
  return leaves().map((path) => ({
    path: path.join('.'),
    variable: variableOf(path),
    description: describeAt(path),
  }))
}

function readYaml(
  yaml: string,
  file: string,
): { ok: true; value: unknown } | { ok: false; mistake: Mistake } {
  try {
    const value: unknown = parseYaml(yaml) ?? {}
    if (typeof value === 'object' && !Array.isArray(value)) return { ok: true, value }
    return {
      ok: false,
      mistake: {
        where: file,
        message: 'not a mapping',
        allowed: `the keys ${Object.keys(configSchema.shape).join(', ')}`,
      },
    }
  } catch (error) {
    return {
      ok: false,
      mistake: {
        where: file,
        message: `not YAML: ${(error as Error).message.split('\n')[0]}`,
        allowed: 'a YAML file',
      },
    }
  }
}

/** Puts the variables over the file's tree, and remembers which value came from which variable. */
function overlay(value: unknown, env: Record<string, string | undefined>) {
  const tree = structuredClone(value) as Record<string, unknown>
  const sources = new Map<string, string>()
  const mistakes: Mistake[] = []
  const byVariable = new Map(leaves().map((path) => [variableOf(path), path]))
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || NOT_CONFIG.has(variable) || text === undefined) continue
    const path = byVariable.get(variable)
    if (path === undefined) {
      mistakes.push({
        where: variable,
        message: 'no such setting',
        allowed: suggestion(variable, [...byVariable.keys()]),
      })
      continue
    }
    setAt(tree, path, isText(path) ? text : settingOf(text))
    sources.set(path.join('.'), variable)
  }
  return { tree, sources, mistakes }
}

/** A variable's text as the file would have it: numbers, booleans and lists are YAML, all else is text. */
function settingOf(text: string): unknown {
  try {
    const value: unknown = parseYaml(text)
    return typeof value === 'object' || typeof value === 'boolean' || typeof value === 'number' ? value : text
  } catch {
    return text
  }
}

function setAt(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [section = '', key = ''] = path
  const existing = tree[section]
  const inner = typeof existing === 'object' && existing !== null ? existing : {}
  tree[section] = { ...inner, [key]: value }
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[] }

function explain(issue: Issue, tree: unknown, file: string, sources: Map<string, string>): Mistake[] {
  const path = issue.path.map(String)
  const where = (at: string) => sources.get(at) ?? `${file}: ${at === '' ? 'top level' : at}`
  if (issue.keys !== undefined) {
    return issue.keys.map((key) => ({
      where: where([...path, key].join('.')),
      message: `unknown key ${key}`,
      allowed: suggestion(key, keysAt(path)),
    }))
  }
  // A list in a variable is one text: what is wrong in it is shown as that.
  const at = sources.has(path.slice(0, 2).join('.')) ? path.slice(0, 2) : path
  const value = valueAt(tree, at)
  return [
    {
      where: where(at.join('.')),
      message: value === undefined ? 'missing' : `${shown(at, value)} is not allowed`,
      allowed: issue.message,
    },
  ]
}

/** A value for a message: a password is not to be printed, not even a wrong one. */
function shown(path: readonly string[], value: unknown): string {
  if (isSecret(path.join('.'))) return 'this'
  return JSON.stringify(value).replace(/\/\/[^@/]*@/, '//…@')
}

/** Whether a setting holds a secret itself (a file that holds one is none). */
export function isSecret(path: string): boolean {
  return path.endsWith('password')
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    tree,
  )
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? `one of ${known.join(', ')}` : `did you mean ${near}?`
}

function keysAt(path: readonly string[]): string[] {
  return keysOf(configSchema, path)
}

function leaves(): string[][] {
  return Object.entries(configSchema.shape).flatMap(([section, schema]) =>
    Object.keys(schema.unwrap().shape).map((key) => [section, key]),
  )
}

/** Whether a setting is plain text, so that a variable's digits are not taken for a number. */
function isText([section = '', key = '']: readonly string[]): boolean {
  let schema: unknown = innerShape(section)[key]
  while (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) schema = schema.unwrap()
  return schema instanceof z.ZodString
}

function describeAt([section = '', key = '']: readonly string[]): string {
  return innerShape(section)[key]?.description ?? ''
}

function innerShape(section: string): Record<string, z.ZodType> {
  const shape: Record<string, unknown> = configSchema.shape
  return (shape[section] as { unwrap(): { shape: Record<string, z.ZodType> } }).unwrap().shape
}

function variableOf(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase()
}
