import type { Panel } from './model.ts'

/** An answer of ClickHouse in its format JSON. */
export type Answer = {
  meta: { name: string; type: string }[]
  data: Record<string, unknown>[]
  statistics: { rows_read: number }
}

/** Types that the data source makes fields of: times, numbers, texts. Arrays, tuples and enums would come as JSON, or not at all. */
const TIME = /^(Nullable\()?DateTime(64)?(\(.*\))?\)?$/
const NUMBER = /^(LowCardinality\()?(Nullable\()?(U?Int(8|16|32|64)|Float(32|64))\)?\)?$/
const TEXT = /^(LowCardinality\()?(Nullable\()?String\)?\)?$/

/** Columns of tables that may well have nothing in all rows: the end of what is open, what a ClientHello that never arrived would say, parts of networks. */
const MAY_BE_EMPTY = new Set([
  ...['until', 'hello_bytes', 'tls_version', 'server_name'],
  ...['label', 'part', 'ended_by'],
  // Of the few causes that filters leave none need have been there the day before.
  'times_day_before',
])

/** Why a panel could not show this answer of its query; an empty list when it can. */
export function problemsOf(panel: Panel, answer: Answer): string[] {
  const columns = answer.meta.map(({ name, type }) => ({ name, type, kind: kindOf(type) }))
  const unfit = columns
    .filter(({ kind }) => kind === undefined)
    .map(({ name, type }) => `column ${name} is ${type}`)
  if (answer.data.length === 0) return [...unfit, 'no rows']
  const numbers = namesOf(columns, 'number')
  switch (panel.type) {
    case 'timeseries':
      return [...unfit, ...seriesProblems(panel, columns, answer)]
    case 'stat':
      return [...unfit, ...statProblems(panel, numbers, answer)]
    case 'bargauge':
      return [
        ...unfit,
        ...(namesOf(columns, 'text').length === 1 ? [] : ['a bar needs one text for its name']),
        ...(numbers.length === 1 ? [] : ['a bar needs one number']),
        ...numbers.flatMap((name) => emptyColumn(name, answer)),
      ]
    case 'table':
      return [...unfit, ...tableProblems(panel, columns, answer)]
    default:
      return [`no test knows the panel type ${panel.type}`]
  }
}

/** A variable's query answers value and text, both texts. */
export function variableProblems(answer: Answer): string[] {
  const names = answer.meta.map(({ name }) => name).join(', ')
  return [
    ...(names === 'value, text' ? [] : [`columns ${names} instead of value, text`]),
    ...answer.meta.filter(({ type }) => kindOf(type) !== 'text').map(({ name }) => `${name} is no text`),
    ...(answer.data.length === 0 ? ['no rows'] : []),
    ...(answer.data.some(({ value }) => value === '') ? ['an empty value would be taken for "All"'] : []),
  ]
}

/** An annotation's query answers time, timeEnd, text and tags. */
export function annotationProblems(answer: Answer): string[] {
  const found = answer.meta.map(({ name, type }) => `${name} ${kindOf(type)}`).join(', ')
  const wanted = 'time time, timeEnd time, text text, tags text'
  const backwards = answer.data.filter(({ time, timeEnd }) => String(timeEnd) < String(time))
  return [
    ...(found === wanted ? [] : [`columns ${found} instead of ${wanted}`]),
    ...(answer.data.length === 0 ? ['no rows'] : []),
    ...(backwards.length === 0 ? [] : ['ends before it begins']),
  ]
}

type Kind = 'time' | 'number' | 'text' | undefined
type Columns = readonly { name: string; type: string; kind: Kind }[]

function kindOf(type: string): Kind {
  if (TIME.test(type)) return 'time'
  if (NUMBER.test(type)) return 'number'
  return TEXT.test(type) ? 'text' : undefined
}

function namesOf(columns: Columns, wanted: Kind): string[] {
  return columns.filter(({ kind }) => kind === wanted).map(({ name }) => name)
}

/** One time, in rising order; then numbers, or a text and one number called Value, which Grafana makes a series of for each text. */
function seriesProblems(panel: Panel, columns: Columns, answer: Answer): string[] {
  const times = answer.data.map((row) => String(row['time']))
  const texts = namesOf(columns, 'text')
  const numbers = namesOf(columns, 'number')
  const long = texts.length > 0
  const bars = panel.fieldConfig.defaults.custom?.drawStyle === 'bars'
  return [
    ...(columns[0]?.name === 'time' && columns[0].kind === 'time'
      ? []
      : ['the first column is not the time']),
    ...(times.every((time, at) => at === 0 || time >= (times[at - 1] ?? '')) ? [] : ['times go backwards']),
    ...(bars || new Set(times).size > 1 ? [] : ['one point is no line']),
    ...(!long && new Set(times).size !== times.length ? ['a time comes twice'] : []),
    ...(numbers.length === 0 ? ['no number'] : []),
    ...(long && (texts.length > 1 || numbers.join() !== 'Value') ? ['not one text and one Value'] : []),
    ...numbers.flatMap((name) => emptyColumn(name, answer)),
  ]
}

function statProblems(panel: Panel, numbers: readonly string[], answer: Answer): string[] {
  const [, text] = /^\/\^(\w+)\$\/$/.exec(panel.options.reduceOptions?.fields ?? '') ?? []
  if (text !== undefined) return emptyColumn(text, answer)
  return [
    ...(answer.data.length === 1 ? [] : [`${answer.data.length} rows instead of one figure`]),
    ...(numbers.length === 1 ? [] : [`${numbers.length} numbers instead of one`]),
    ...numbers.flatMap((name) => emptyColumn(name, answer)),
  ]
}

/** What the panel says of columns must be columns, and every figure must have its unit. */
function tableProblems(panel: Panel, columns: Columns, answer: Answer): string[] {
  const described = new Map(
    panel.fieldConfig.overrides.map(({ matcher, properties }) => [matcher.options, properties]),
  )
  const names = columns.map(({ name }) => name)
  const linked = JSON.stringify(panel.fieldConfig.overrides).matchAll(/__data\.fields\.(\w+)/g)
  return [
    ...[...described.keys()]
      .filter((name) => !names.includes(name))
      .map((name) => `the query has no column ${name}`),
    ...names.filter((name) => !described.has(name)).map((name) => `column ${name} has no title`),
    ...namesOf(columns, 'number')
      .filter((name) => !described.get(name)?.some(({ id }) => id === 'unit'))
      .map((name) => `column ${name} has no unit`),
    ...[...linked]
      .filter(([, field = '']) => !names.includes(field))
      .map(([, field]) => `a link needs the column ${field}`),
    ...names.filter((name) => !MAY_BE_EMPTY.has(name)).flatMap((name) => emptyColumn(name, answer)),
  ]
}

function emptyColumn(name: string, { data }: Answer): string[] {
  const filled = data.some((row) => row[name] !== null && row[name] !== undefined && row[name] !== '')
  return filled ? [] : [`column ${name} is empty`]
}
