/**
 * Where the figures of a panel come from: a rollup over the dashboard's time range, as a subquery.
 * Macros (`$__fromTime`, `$__interval_s`, …) are expanded by the ClickHouse data source, `$variables` by Grafana before.
 * Tables bear no database: it is the data source's, `halfshake` at a server and `default` in the embedded engine.
 */

const HOUR = 3_600
export const DAY = 86_400

/** Up to these ranges (seconds) minutes are read, above them whole hours: few enough rows for a page that is looked at. */
export const MINUTES_UP_TO = { world: 6 * HOUR, network: 2 * DAY } as const
export type Reach = keyof typeof MINUTES_UP_TO

const RANGE = '$__toTime - $__fromTime'

export type SourceOf = {
  /** Columns of the rollup, in SQL; `at` (start of the minute or hour) is there as well. */
  columns: string
  where?: readonly string[]
  by?: 'network' | 'prefix'
  reach?: Reach
  /** So many seconds earlier, told as if it were now. */
  earlier?: number
}

/** Rows of the minutes, or of the hours in a long range. One of the two conditions is constant false, and reads nothing. */
export function source({
  columns,
  where = [],
  by = 'network',
  reach = 'world',
  earlier = 0,
}: SourceOf): string {
  const longest = MINUTES_UP_TO[reach]
  const from = moved('$__fromTime', earlier)
  const to = moved('$__toTime', earlier)
  const part = (unit: 'minute' | 'hour', conditions: readonly string[]) =>
    `SELECT ${earlier === 0 ? unit : `${unit} + ${earlier}`} AS at, ${columns}
    FROM ${unit}s_by_${by}
    WHERE ${[...conditions, ...where].join('\n      AND ')}`
  return `(
    ${part('minute', [`${RANGE} <= ${longest}`, `minute >= ${from}`, `minute <= ${to}`])}
    UNION ALL
    ${part('hour', [`${RANGE} > ${longest}`, `hour >= ${hourOf(from)}`, `hour <= ${to}`])}
  )`
}

/** Length of a step on the time axis, seconds: Grafana's interval, and never shorter than what is read. */
export function step(reach: Reach = 'world'): string {
  return `greatest($__interval_s, if(${RANGE} <= ${MINUTES_UP_TO[reach]}, 60, ${HOUR}))`
}

/** Start of the step that a row of a source belongs to. */
export function timeOf(column = 'at', reach: Reach = 'world'): string {
  return `toDateTime(intDiv(toUnixTimestamp(${column}), ${step(reach)}) * ${step(reach)}, 'UTC')`
}

/** In UTC: at a server with another time zone an hour may begin at half past. */
export function hourOf(time: string): string {
  return `toStartOfHour(toTimeZone(${time}, 'UTC'))`
}

function moved(time: string, earlier: number): string {
  return earlier === 0 ? time : `${time} - ${earlier}`
}

/** Columns `completed` and `failed` of a source. */
export const DECIDED = `sumIf(handshakes, outcome = 'completed') AS completed,
  sumIf(handshakes, outcome = 'failed') AS failed`

/** Completed of completed and failed, from 0 to 1; null where there were none. Noise and unknown are in no rate. */
export function rate(completed = 'completed', failed = 'failed'): string {
  return `if(${completed} + ${failed} > 0, ${completed} / (${completed} + ${failed}), NULL)`
}
