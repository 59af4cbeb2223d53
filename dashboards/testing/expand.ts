/**
 * What becomes of a query between the dashboard and ClickHouse, as Grafana and its ClickHouse data source 4.20 do it: first
 * `$__conditionalAll`, then variables (both in the browser), then the macros (in the data source's backend). Anything that
 * would reach ClickHouse unexpanded is an error here. Source: CHDatasource.ts and pkg/macros/macros.go of grafana/clickhouse-datasource.
 */
export type Choice = {
  /** What is chosen; `$__all` for "All". */
  value: string | readonly string[]
  /** What "All" stands for. */
  options?: readonly string[]
}

export type Expansion = {
  /** Ends of the time range, ms since 1970. */
  from: number
  to: number
  /** Length of a step, seconds: Grafana makes it of the range and the panel's width. */
  intervalSeconds: number
  variables: Readonly<Record<string, Choice>>
}

const ALL = '$__all'

export function expand(sql: string, expansion: Expansion): string {
  const expanded = expandMacros(expandVariables(expandConditionalAll(sql, expansion), expansion), expansion)
  const left = /\$\{?\w+/.exec(expanded)
  if (left !== null) throw new Error(`${left[0]} is neither a variable nor a macro`)
  return expanded
}

/** `$__conditionalAll(condition, $name)`: the condition, or `1=1` when the variable is "All" or empty. */
function expandConditionalAll(sql: string, { variables }: Expansion): string {
  const macro = '$__conditionalAll('
  let text = sql
  for (let at = text.lastIndexOf(macro); at >= 0; at = text.lastIndexOf(macro)) {
    const args = argumentsAt(text, at + macro.length)
    const [condition = '', variable = ''] = args.values
    if (args.values.length !== 2) throw new Error(`$__conditionalAll with ${args.values.length} arguments`)
    const name = variable.trim().replace(/^\$\{?(\w+)\}?$/, '$1')
    const chosen = choiceOf(name, variables).value.toString()
    text = text.slice(0, at) + (chosen === '' || chosen === ALL ? '1=1' : condition) + text.slice(args.end)
  }
  return text
}

/** Arguments up to the closing parenthesis: commas within parentheses separate nothing, quotes mean nothing. */
function argumentsAt(text: string, start: number): { values: string[]; end: number } {
  const values: string[] = []
  let depth = 1
  let from = start
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth === 0) return { values: [...values, text.slice(from, at)], end: at + 1 }
    if (character !== ',' || depth !== 1) continue
    values.push(text.slice(from, at))
    from = at + 1
  }
  throw new Error('a macro whose parenthesis is not closed')
}

/** `$name`, `${name}`, `${name:format}`, and `[[name]]`, which Grafana still understands. */
function expandVariables(sql: string, { variables }: Expansion): string {
  if (sql.includes('[[')) throw new Error('[[ would be read as a variable')
  return sql.replace(
    /\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g,
    (match, plain: string | undefined, braced: string | undefined, format: string | undefined) => {
      const name = plain ?? braced ?? ''
      return name.startsWith('__') ? match : formatted(name, choiceOf(name, variables), format)
    },
  )
}

function formatted(name: string, { value, options }: Choice, format: string | undefined): string {
  const values = value.toString() === ALL ? (options ?? []) : [value].flat()
  if (format === 'raw') return values.join(',')
  if (format !== 'sqlstring') throw new Error(`$${name} is not quoted: write \${${name}:sqlstring}`)
  return values.map((one) => `'${one.replaceAll("'", "''")}'`).join(',')
}

function choiceOf(name: string, variables: Expansion['variables']): Choice {
  const choice = variables[name]
  if (choice === undefined) throw new Error(`there is no variable ${name}`)
  return choice
}

function expandMacros(sql: string, { from, to, intervalSeconds }: Expansion): string {
  const start = `toDateTime(${Math.floor(from / 1_000)})`
  const end = `toDateTime(${Math.floor(to / 1_000)})`
  return sql
    .replace(/\$__timeFilter\(([^()]+)\)/g, `$1 >= ${start} AND $1 <= ${end}`)
    .replace(/\$__fromTime\b/g, start)
    .replace(/\$__toTime\b/g, end)
    .replace(/\$__interval_s\b/g, String(Math.max(1, Math.floor(intervalSeconds))))
}
