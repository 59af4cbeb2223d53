import { isIP } from 'node:net'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { LOG_LEVELS } from './log.ts'
import { nearest } from './nearest.ts'
import { DURATION_SHAPE, parseDuration, parseSize, SIZE_SHAPE } from './quantity.ts'
import { SCOPES } from './tokens.ts'

/** The whole configuration with its defaults. Descriptions are what `halfshake config show` prints. */
export const configSchema = z.strictObject({
  data: z
    .strictObject({
      folder: z.string().min(1).default('data').describe('Where everything is kept.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listen()
        .default({ host: '127.0.0.1', port: 8080 })
        .describe('Address and port, as 127.0.0.1:8080.'),
      tokens: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            hash: z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                'sha256: and 64 hex digits; make one with halfshake token create',
              ),
            scopes: z.array(z.enum(SCOPES)).min(1),
          }),
        )
        .default([])
        .describe('Who may do what. Without any, only loopback may be bound.'),
    })
    .prefault({}),
  ingest: z
    .strictObject({
      max_body: size('8MB').describe('Largest body of a batch, compressed or not.'),
      max_line: size('64kB').describe('Longest line of a batch.'),
      max_queue: integer(1_000, 10_000_000, 200_000).describe(
        'Events taken and not yet stored; beyond it agents are told to wait.',
      ),
    })
    .prefault({}),
  enricher: z
    .strictObject({
      asn_database: z
        .string()
        .min(1)
        .optional()
        .describe('An .mmdb file with the fields of GeoLite2-ASN. Without it one is built.'),
      networks: z.string().min(1).optional().describe('A networks.csv that names prefixes.'),
      prefix_ipv4: integer(8, 32, 24).describe('Length of the prefixes that IPv4 clients are grouped by.'),
      prefix_ipv6: integer(16, 64, 48).describe('Length of the prefixes that IPv6 clients are grouped by.'),
      truncate_addresses: z.boolean().default(false).describe('Store addresses cut to their prefix.'),
    })
    .prefault({}),
  store: z
    .strictObject({
      retention_raw: duration('14d', '1h', '90d').describe(
        'How long single handshakes, dead letters and batches are kept.',
      ),
      retention_minutes: duration('30d', '1h', '90d').describe('How long rollups by minute are kept.'),
      retention_hours: duration('400d', '1d', '3650d').describe('How long rollups by hour are kept.'),
      fsync: z
        .boolean()
        .default(false)
        .describe('Survive power loss, not only a crash of the process; slower.'),
      listen: listen()
        .default({ host: '127.0.0.1', port: 8123 })
        .describe('Where the embedded engine answers the ClickHouse HTTP interface, as 127.0.0.1:8123.'),
      users: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            hash: z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                'sha256: and 64 hex digits; make one with halfshake store password',
              ),
            access: z.enum(['reader', 'admin']),
          }),
        )
        .default([])
        .describe('Who may ask the ClickHouse HTTP interface. Without any, only loopback may be bound.'),
    })
    .prefault({}),
  detector: z
    .strictObject({
      watermark: duration('60s', '5s', '10m').describe('How long after its end a minute is judged.'),
      history: duration('14d', '1h', '90d').describe('How much stored history is replayed at the start.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .default('info')
        .describe('What is worth a line: debug, info, warn, error or silent.'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof configSchema>

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

function listen() {
  const shape = 'address:port, as 127.0.0.1:8080 or [::1]:8080, the port from 0 to 65535'
  return z.string(shape).transform((text, context) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
    const host = bracketed ?? (plain === 'localhost' ? '127.0.0.1' : plain)
    if (host === undefined || isIP(host) === 0 || Number(port) > 65_535) {
      context.addIssue(shape)
      return z.NEVER
    }
    return { host, port: Number(port) }
  })
}

function integer(min: number, max: number, fallback: number) {
  const shape = `a whole number from ${min} to ${max}`
  return z.int(shape).min(min, shape).max(max, shape).default(fallback)
}

function duration(fallback: string, min: string, max: string) {
  const shape = `${DURATION_SHAPE}, from ${min} to ${max}`
  return quantity(parseDuration, shape, parseDuration(min) ?? 0, parseDuration(max) ?? 0).prefault(fallback)
}

function size(fallback: string) {
  const shape = `${SIZE_SHAPE}, from 1kB to 256MB`
  return quantity(parseSize, shape, 1e3, 256e6).prefault(fallback)
}

function quantity(parse: (text: string) => number | undefined, shape: string, min: number, max: number) {
  return z.string(shape).transform((text, context) => {
    const value = parse(text)
    if (value === undefined || value < min || value > max) {
      context.addIssue(shape)
      return z.NEVER
    }
    return value
  })
}
