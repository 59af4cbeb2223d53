/**
 * The import rule: data goes one way, so a step imports `core/` and never another step.
 * Run by the lint command; prints each breach with the rule it breaks and exits 1.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

const ANY = ['*']
/** What each room may import besides itself: folder prefixes, longest match wins. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'core/event': [],
  'core/runtime': [],
  'core/bus': ['core'],
  'core/store': ['core'],
  agent: ['core/event'],
  ingest: ['core'],
  enricher: ['core'],
  detector: ['core'],
  alerts: ['core', 'detector'],
  api: ['core', 'detector', 'alerts'],
  dashboards: ['core'],
  lab: ['core', 'agent'],
  doctor: ['core', 'agent'],
  cli: ANY,
  bench: ANY,
  scripts: ANY,
  test: ANY,
}
const SKIP = new Set(['node_modules', 'dist', 'data', '.git', '.cache'])
const IMPORT = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)'(\.{1,2}\/[^']+)'/g

const root = normalize(join(import.meta.dirname, '..'))
const breaches = sourceFiles(root).flatMap(breachesIn)
for (const breach of breaches) console.error(breach)
process.exitCode = breaches.length === 0 ? 0 : 1

function breachesIn(file: string): string[] {
  const from = roomOf(file)
  if (from === undefined) return []
  const allowed = MAY_IMPORT[from] ?? []
  const found: string[] = []
  for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
    const target = normalize(join(dirname(file), specifier))
    if (inside(target, from) || allowed === ANY || allowed.some((folder) => inside(target, folder))) continue
    found.push(`${file}: imports ${target}; ${from} may import ${allowed.join(', ') || 'nothing of ours'}`)
  }
  return found
}

function roomOf(file: string): string | undefined {
  const rooms = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length)
  return rooms.find((room) => inside(file, room))
}

function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIP.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourceFiles(path)
    return /\.(ts|mts|cts)$/.test(entry.name) ? [relative(root, path)] : []
  })
}
