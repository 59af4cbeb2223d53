import { parse as parseYaml } from 'yaml'
import type { z } from 'zod'
import { type Config, configSchema } from './config-schema.ts'
import { nearest } from './nearest.ts'

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
  if (parsed.success && mistakes.length === 0) return { ok: true, config: parsed.data }
  const found = (parsed.error?.issues ?? []).flatMap((issue) => explain(issue, tree, file, sources))
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
    setAt(tree, path, settingOf(text))
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

function explain(
  issue: z.core.$ZodIssue,
  tree: unknown,
  file: string,
  sources: Map<string, string>,
): Mistake[] {
  const path = issue.path.map(String)
  const where = (at: string) => sources.get(at) ?? `${file}: ${at === '' ? 'top level' : at}`
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      where: where([...path, key].join('.')),
      message: `unknown key ${key}`,
      allowed: suggestion(key, keysAt(path)),
    }))
  }
  return [
    {
      where: where(path.join('.')),
      message: `${JSON.stringify(valueAt(tree, path)) ?? 'nothing'} is not allowed`,
      allowed: issue.message,
    },
  ]
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
  const [section] = path
  if (section === undefined) return Object.keys(configSchema.shape)
  return leaves().flatMap(([first, key = '']) => (first === section ? [key] : []))
}

function leaves(): string[][] {
  return Object.entries(configSchema.shape).flatMap(([section, schema]) =>
    Object.keys(schema.unwrap().shape).map((key) => [section, key]),
  )
}

function describeAt([section = '', key = '']: readonly string[]): string {
  const shape: Record<string, unknown> = configSchema.shape
  const inner = shape[section] as { unwrap(): { shape: Record<string, z.ZodType> } }
  return inner.unwrap().shape[key]?.description ?? ''
}

function variableOf(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase()
}
