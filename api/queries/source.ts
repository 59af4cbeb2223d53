import type { QueryParameters } from '../../core/store/store.ts'
import { ceilTo, floorTo, HOUR, type Window } from '../window.ts'

/** A piece of SQL with the values it binds. */
export type Sql = { sql: string; parameters: QueryParameters }

/** What every row of a source must meet. */
export type Filter = {
  asns?: readonly number[] | undefined
  label?: string | undefined
  prefix?: string | undefined
  site?: string | undefined
  ip_version?: number | undefined
  outcome?: string | undefined
}

/** Conditions on columns, each with its parameter; a filter that is not given is not there. */
const CONDITIONS: Record<keyof Filter, string> = {
  asns: 'asn IN {asns:Array(UInt32)}',
  label: 'label = {label:String}',
  prefix: 'prefix = {prefix:String}',
  site: 'site = {site:String}',
  ip_version: 'ip_version = {ip_version:UInt8}',
  outcome: 'outcome = {outcome:String}',
}

/** The filter as SQL; an empty list when nothing is asked. */
export function conditions(filter: Filter): { sql: string[]; parameters: QueryParameters } {
  const sql: string[] = []
  const parameters: QueryParameters = {}
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof Filter]
    if (value === undefined) continue
    sql.push(condition)
    parameters[name] = value
  }
  return { sql, parameters }
}

/**
 * Rows of the rollups in a window, the bucket's start as `at`: minutes, or hours with minutes at the two ends.
 * `name` keeps the parameters of several windows in one query apart.
 */
export function rollup(
  by: 'network' | 'prefix',
  { window, columns, filter = {}, name = 'window' }: RollupOf,
): Sql {
  const where = conditions(filter)
  const part = (unit: 'minute' | 'hour', from: string, to: string) => {
    const meets = [
      `${unit} >= toDateTime({${name}_${from}:UInt32}, 'UTC')`,
      `${unit} < toDateTime({${name}_${to}:UInt32}, 'UTC')`,
      ...where.sql,
    ]
    return `SELECT ${unit} AS at, ${columns} FROM ${unit}s_by_${by} WHERE ${meets.join(' AND ')}`
  }
  const parts =
    window.rollup === 'minutes'
      ? [part('minute', 'from', 'to')]
      : [
          part('minute', 'from', 'hours_from'),
          part('hour', 'hours_from', 'hours_to'),
          part('minute', 'hours_to', 'to'),
        ]
  return {
    sql: `(\n    ${parts.join('\n    UNION ALL\n    ')}\n  )`,
    parameters: { ...where.parameters, ...bounds(window, name) },
  }
}

export type RollupOf = { window: Window; columns: string; filter?: Filter; name?: string }

/** Outcome counts of a source called `r`. */
export const OUTCOME_COUNTS = `
    sumIf(r.handshakes, r.outcome = 'completed') AS completed,
    sumIf(r.handshakes, r.outcome = 'failed') AS failed,
    sumIf(r.handshakes, r.outcome = 'noise') AS noise,
    sumIf(r.handshakes, r.outcome = 'unknown') AS unknown`

/** Start of a row's step in seconds since 1970, of a source called `r`; binds `step`, its length in seconds. */
export const STEP = 'intDiv(toUnixTimestamp(r.at), {step:UInt32}) * {step:UInt32}'

/** The window's ends and those of its whole hours, in seconds since 1970. */
function bounds(window: Window, name: string): QueryParameters {
  const hoursFrom = Math.min(ceilTo(window.from, HOUR), window.to)
  const hoursTo = Math.max(floorTo(window.to, HOUR), hoursFrom)
  return {
    [`${name}_from`]: window.from / 1_000,
    [`${name}_hours_from`]: hoursFrom / 1_000,
    [`${name}_hours_to`]: hoursTo / 1_000,
    [`${name}_to`]: window.to / 1_000,
  }
}
