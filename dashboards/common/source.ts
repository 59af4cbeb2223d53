/**
 * Where the figures of a panel come from: a rollup over the dashboard's time range, as a subquery with a column `at`, the start of
 * the minute or hour. Rollups by network are sorted by network first, those of the world by time first: each reads little of its own.
 * Macros (`$__fromTime`, `$__interval_s`, …) are expanded by the ClickHouse data source, `$variables` by Grafana before.
 * Tables bear no database: it is the data source's, `halfshake` at a server and `default` in the embedded engine.
 */

const HOUR = 3_600
export const DAY = 86_400

/**
 * Up to these ranges (seconds) minutes are read, above them whole hours. Lists of networks read the minutes of all of them, and
 * there is no rollup of these in the order of time.
 */
const MINUTES_UP_TO = { network: 2 * DAY, networks: HOUR } as const

const RANGE = '$__toTime - $__fromTime'

type Of = {
  /** Columns of the rollup, in SQL. */
  columns: string
  where?: readonly string[]
  /** So many seconds earlier, told as if it were now. */
  earlier?: number
}

/** Of one network, which `where` must name: every dimension. */
export function ofNetwork({ by = 'network', ...of }: Of & { by?: 'network' | 'prefix' }): string {
  const tables = { minutes: `minutes_by_${by}`, hours: `hours_by_${by}` }
  return minutesOrHours({ ...of, ...tables, longest: MINUTES_UP_TO.network })
}

/** Of all networks, each by itself: asn, label, network, site, ip_version, outcome, cause. */
export function ofNetworks(of: Of): string {
  const tables = { minutes: 'minutes_by_network', hours: 'networks_by_hour' }
  return minutesOrHours({ ...of, ...tables, longest: MINUTES_UP_TO.networks })
}

/**
 * Of the world in one: site, ip_version, outcome, cause. Always by minute; from the hour in which a range begins to that in which it
 * ends where a network beside it is read by hour.
 */
export function ofWorld({ columns, where = [], earlier = 0 }: Of): string {
  const from = `if(${isShort('network')}, $__fromTime, ${hourOf('$__fromTime')})`
  const to = `if(${isShort('network')}, $__toTime, ${hourOf('$__toTime')} + ${HOUR - 1})`
  return `(
    ${selection({ table: 'minutes_by_site', unit: 'minute', columns, earlier, where: [`minute >= ${moved(from, earlier)}`, `minute <= ${moved(to, earlier)}`, ...where] })}
  )`
}

/** Rows of the minutes, or of the hours in a long range. One of the two conditions is constant false, and reads nothing. */
function minutesOrHours({
  minutes,
  hours,
  longest,
  columns,
  where = [],
  earlier = 0,
}: Of & { minutes: string; hours: string; longest: number }): string {
  const from = moved('$__fromTime', earlier)
  const to = moved('$__toTime', earlier)
  const short = [`${RANGE} <= ${longest}`, `minute >= ${from}`, `minute <= ${to}`, ...where]
  const long = [`${RANGE} > ${longest}`, `hour >= ${hourOf(from)}`, `hour <= ${to}`, ...where]
  return `(
    ${selection({ table: minutes, unit: 'minute', columns, earlier, where: short })}
    UNION ALL
    ${selection({ table: hours, unit: 'hour', columns, earlier, where: long })}
  )`
}

function selection({
  table,
  unit,
  columns,
  where,
  earlier,
}: Required<Of> & { table: string; unit: 'minute' | 'hour' }): string {
  return `SELECT ${earlier === 0 ? unit : `${unit} + ${earlier}`} AS at, ${columns}
    FROM ${table}
    WHERE ${where.join('\n      AND ')}`
}

/** Start of the step of the time axis that a row belongs to: Grafana's interval, and never shorter than what is read of a network. */
export function timeOf(column = 'at'): string {
  const step = `greatest($__interval_s, if(${isShort('network')}, 60, ${HOUR}))`
  return `toDateTime(intDiv(toUnixTimestamp(${column}), ${step}) * ${step}, 'UTC')`
}

/** In UTC: at a server with another time zone an hour may begin at half past. */
export function hourOf(time: string): string {
  return `toStartOfHour(toTimeZone(${time}, 'UTC'))`
}

function isShort(what: keyof typeof MINUTES_UP_TO): string {
  return `${RANGE} <= ${MINUTES_UP_TO[what]}`
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
