import { hourOf } from '../common/source.ts'

/** Times of arrival, on an axis of at least a minute. */
const TIME = `toStartOfInterval(received_at, INTERVAL greatest($__interval_s, 60) second, 'UTC')`
const MINUTES = '(greatest($__interval_s, 60) / 60)'

export const LAST_BATCH = `
SELECT dateDiff('second', max(received_at), now64(3, 'UTC')) AS age
FROM batches
HAVING count() > 0`

export const AGENTS_REPORTING = `
SELECT uniqExact(agent) AS agents
FROM batches
WHERE received_at >= now('UTC') - 600`

export const DEAD_LETTERS = `
SELECT count() AS dead_letters
FROM dead_letters
WHERE $__timeFilter(received_at)`

export const STORED = `
SELECT
  ${TIME} AS time,
  sum(b.handshakes) / ${MINUTES} AS handshakes,
  sum(b.rejected) / ${MINUTES} AS "refused lines"
FROM batches AS b
WHERE $__timeFilter(received_at)
GROUP BY time
ORDER BY time`

export const BATCHES = `
SELECT ${TIME} AS time, toString(agent) AS agent, count() / ${MINUTES} AS Value
FROM batches
WHERE $__timeFilter(received_at)
GROUP BY time, agent
ORDER BY time, agent`

export const DEAD_LETTERS_BY_REASON = `
SELECT ${TIME} AS time, toString(reason) AS reason, count() AS Value
FROM dead_letters
WHERE $__timeFilter(received_at)
GROUP BY time, reason
ORDER BY time, reason`

export const LATEST_DEAD_LETTERS = `
SELECT received_at, agent, reason, field, message, bytes
FROM dead_letters
WHERE $__timeFilter(received_at)
ORDER BY received_at DESC
LIMIT 50`

export const AGENTS = `
SELECT
  agent,
  max(received_at) AS last_batch,
  dateDiff('second', last_batch, now64(3, 'UTC')) AS age,
  uniqExact(epoch) AS runs,
  count() AS batches,
  sum(b.handshakes) AS handshakes,
  sum(b.rejected) AS refused
FROM batches AS b
WHERE $__timeFilter(received_at)
GROUP BY agent
ORDER BY last_batch DESC, agent
LIMIT 200`

const FROM = hourOf('$__fromTime')
const TO = `${hourOf('$__toTime')} + 3600`
const counted = (table: string, unit: 'minute' | 'hour') => `
SELECT '${table}' AS rollup, sum(handshakes) AS handshakes
FROM ${table}
WHERE ${unit} >= ${FROM} AND ${unit} < ${TO}`

/**
 * Whole hours, so that a rollup by hour can be compared with those by minute: `networks_by_hour` is the last of the chain by way of
 * `hours_by_network`. The two that are sorted by network and kept by the month would be read whole for any range.
 */
export const ROLLUPS = `
SELECT rollup, handshakes
FROM (${[
  counted('minutes_by_network', 'minute'),
  counted('minutes_by_prefix', 'minute'),
  counted('networks_by_hour', 'hour'),
  counted('minutes_by_site', 'minute'),
].join('\nUNION ALL')}
)
ORDER BY rollup DESC`

/** At a cluster these are the rows of the one node that answers. */
export const TABLES = `
SELECT
  name AS table_name,
  ifNull(total_rows, 0) AS stored_rows,
  ifNull(total_bytes, 0) AS stored_bytes,
  if(stored_rows > 0, stored_bytes / stored_rows, NULL) AS bytes_per_row
FROM system.tables
WHERE database = currentDatabase()
  AND engine LIKE '%MergeTree'
ORDER BY stored_bytes DESC, table_name`
