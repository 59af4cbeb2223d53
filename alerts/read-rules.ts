import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { explain, withoutConsequences } from './explain-issue.ts'
import { type At, fieldOf, type Path, type RuleMistake } from './rule-mistake.ts'
import { type RuleInFile, rulesFileSchema } from './rule-schema.ts'

export type RuleSource = { file: string; text: string }

type Content = {
  mistakes: RuleMistake[]
  lists: [string, number[]][]
  rules: RuleInFile[]
  /** The rules as they were written. */
  documents: unknown[]
}

const NOTHING: Content = { mistakes: [], lists: [], rules: [], documents: [] }

/** What a file of rules holds, as far as it can be known without the others. Never throws for what stands in it. */
export function parseFile({ file, text }: RuleSource) {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const lineAt = (offset: number) => Math.max(1, counter.linePos(offset).line)
  const at = (path: Path) => ({ line: lineAt(offsetOf(document.contents, path)), field: fieldOf(path) })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ message, pos }) => ({
      file,
      line: lineAt(pos[0]),
      field: '',
      message: `not YAML: ${message.split('\n')[0] ?? ''}`,
      allowed: 'a YAML file with the keys lists and rules',
    }))
    return { ...NOTHING, file, mistakes, at }
  }
  const aliases = danglingAliases(document)
  if (aliases.length > 0) {
    const mistakes = aliases.map(({ source, offset }) => ({
      file,
      line: lineAt(offset),
      field: '',
      message: `*${source} without quotes is a YAML alias, and there is no anchor &${source}`,
      allowed: `"*${source}" in quotes, where text is meant`,
    }))
    return { ...NOTHING, file, mistakes, at }
  }
  try {
    return { ...readValue(document.toJS(), file, at), file, at }
  } catch (error) {
    // As of aliases of aliases, which would fill the memory.
    if (!(error instanceof ReferenceError)) throw error
    const mistake = {
      file,
      line: 1,
      field: '',
      message: `not YAML: ${error.message}`,
      allowed: 'fewer aliases',
    }
    return { ...NOTHING, file, mistakes: [mistake], at }
  }
}

/** The same of a value that was read already. */
export function readValue(value: unknown, file: string, at: At): Content {
  const parsed = rulesFileSchema.safeParse(value)
  if (parsed.success) {
    const { lists, rules } = parsed.data
    const documents = (value as { rules: unknown[] }).rules
    return { mistakes: [], lists: Object.entries(lists), rules, documents }
  }
  const issues = withoutConsequences(parsed.error.issues)
  return { ...NOTHING, mistakes: issues.flatMap((issue) => explain(issue, value, file, at)) }
}

/** Aliases without an anchor, which the parser passes over: server names whose quotes were forgotten. */
function danglingAliases(document: Document): { source: string; offset: number }[] {
  const found: { source: string; offset: number }[] = []
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) === undefined)
        found.push({ source: node.source, offset: node.range?.[0] ?? 0 })
    },
  })
  return found
}

/** Where a value stands; where it is missing, the nearest thing around it. */
function offsetOf(contents: unknown, path: Path): number {
  let node: unknown = contents
  let offset = startOf(contents)
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
      if (pair === undefined) break
      offset = startOf(pair.key)
      node = pair.value
    } else if (isNode(node) && 'items' in node && typeof key === 'number') {
      node = (node.items as unknown[])[key]
      if (node === undefined) break
      offset = startOf(node)
    } else break
  }
  return offset
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
