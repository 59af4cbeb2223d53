/** Times of the alerts and messages, on an axis of at least a minute. */
const time = (column: string) =>
  `toStartOfInterval(${column}, INTERVAL greatest($__interval_s, 60) second, 'UTC')`
/** Alerts that fired at some time in the range. */
const IN_RANGE = `fired_at <= $__toTime AND (state = 'firing' OR resolved_at >= $__fromTime)`
/** Shares, but for the conditions that count handshakes or time them. */
const figure = (column: string) => `multiIf(
    kind IN ('volume', 'no_data'), toString(round(${column})),
    kind = 'handshake_time', concat(toString(round(${column})), ' ms'),
    concat(toString(round(${column} * 100, 1)), ' %')
  )`

export const FIRING_COUNT = `
SELECT countIf(state = 'firing') AS firing
FROM alerts FINAL`

export const FIRED_COUNT = `
SELECT count() AS fired
FROM alerts FINAL
WHERE $__timeFilter(fired_at)`

/** A message is queued until its receiver has taken it, or for a day. */
export const WAITING = `
SELECT countIf(state = 'queued') AS waiting
FROM notifications FINAL`

export const GIVEN_UP = `
SELECT countIf(state = 'given_up') AS given_up
FROM notifications FINAL
WHERE $__timeFilter(created_at)`

export const FIRING = `
SELECT
  severity,
  rule,
  asn,
  label,
  scope,
  concat(prefix, site) AS part,
  started_at,
  dateDiff('second', started_at, now('UTC')) AS lasts,
  ${figure('value')} AS seen,
  ${figure('threshold')} AS allowed,
  explanation
FROM alerts FINAL
WHERE state = 'firing'
ORDER BY indexOf(['critical', 'warning', 'info'], severity), fired_at DESC, id
LIMIT 100`

export const FIRED_OVER_TIME = `
SELECT ${time('fired_at')} AS time, toString(severity) AS severity, count() AS Value
FROM alerts FINAL
WHERE $__timeFilter(fired_at)
GROUP BY time, severity
ORDER BY time, severity`

export const HISTORY = `
SELECT
  state,
  severity,
  rule,
  asn,
  label,
  fired_at,
  if(state = 'firing', NULL, resolved_at) AS resolved,
  dateDiff('second', started_at, if(state = 'firing', now('UTC'), resolved_at)) AS lasted,
  resolution,
  explanation
FROM alerts FINAL
WHERE ${IN_RANGE}
ORDER BY fired_at DESC, id
LIMIT 200`

/** A rule that fires often and for minutes wakes people for nothing. */
export const RULES = `
SELECT
  rule,
  count() AS fired,
  countIf(state = 'firing') AS firing,
  uniqExact(asn) AS networks,
  quantileExact(0.5)(dateDiff('second', started_at, if(state = 'firing', now('UTC'), resolved_at))) AS median_lasted,
  max(fired_at) AS last_fired
FROM alerts FINAL
WHERE ${IN_RANGE}
GROUP BY rule
ORDER BY fired DESC, rule
LIMIT 100`

export const RECEIVERS = `
SELECT
  receiver,
  uniqExactIf(notification, result = 'delivered') AS delivered,
  countIf(result != 'delivered') AS failed_attempts,
  quantileExact(0.95)(milliseconds) AS slow_ms,
  max(at) AS last_attempt,
  argMax(toString(result), at) AS last_result,
  argMax(answer, at) AS last_answer
FROM notification_attempts FINAL
WHERE $__timeFilter(at)
GROUP BY receiver
ORDER BY failed_attempts DESC, receiver
LIMIT 100`

export const ATTEMPTS_OVER_TIME = `
SELECT ${time('at')} AS time, toString(result) AS result, count() AS Value
FROM notification_attempts FINAL
WHERE $__timeFilter(at)
GROUP BY time, result
ORDER BY time, result`

/** Those that hold, are to come, or ended in the time range or later. */
export const SILENCES = `
SELECT
  multiIf(until <= now64(3, 'UTC'), 'over', starts_at > now64(3, 'UTC'), 'to come', 'holds') AS state,
  if(named = '', 'all alerts', named) AS what,
  if(weekly = '', 'all the time', 'some hours of the week') AS hours,
  author,
  reason,
  starts_at,
  until,
  ended_by
FROM (
  SELECT
    *,
    if(toUnixTimestamp(ended_at) = 0, ends_at, least(ends_at, ended_at)) AS until,
    arrayStringConcat(
      arrayConcat(rules, severities, arrayMap(asn -> concat('AS', toString(asn)), asns), labels, prefixes, sites),
      ', '
    ) AS named
  FROM silences FINAL
)
WHERE until >= $__fromTime
ORDER BY indexOf(['holds', 'to come', 'over'], state), until DESC, id
LIMIT 100`

/** The text of a message is long: it is read of those that are shown. */
export const MESSAGES = `
SELECT
  created_at,
  receiver,
  rule,
  status,
  state,
  attempts,
  answer,
  JSONExtractString(message, 'title') AS title
FROM notifications FINAL
WHERE id IN (
  SELECT id
  FROM notifications
  WHERE $__timeFilter(created_at)
  GROUP BY id
  ORDER BY max(created_at) DESC
  LIMIT 100
)
ORDER BY created_at DESC, receiver, id`
