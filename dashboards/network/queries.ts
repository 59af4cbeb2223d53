import { ASN, OF_NETWORK, SCOPE, SERVER_NAME, SITE_NAME } from '../common/filters.ts'
import { DAY, DECIDED, hourOf, ofNetwork, ofWorld, rate, timeOf } from '../common/source.ts'

const own = (columns: string, earlier = 0) => ofNetwork({ columns, where: OF_NETWORK, earlier })

/** All but this network: the world less the network, labels and all. */
const OTHERS = `(
  SELECT at, outcome, toInt64(handshakes) AS handshakes
  FROM ${ofWorld({ columns: 'outcome, handshakes', where: SCOPE })}
  UNION ALL
  SELECT at, outcome, -toInt64(handshakes) AS handshakes
  FROM ${ofNetwork({ columns: 'outcome, handshakes', where: [`asn = ${ASN}`, ...SCOPE] })}
)`

export const NAME = `
SELECT concat('AS', toString(asn), ' ', anyLast(r.network)) AS name
FROM ${own('asn, network')} AS r
GROUP BY asn`

export const RATE = `
SELECT ${rate()} AS success_rate
FROM (
  SELECT ${DECIDED}
  FROM ${own('outcome, handshakes')}
)`

export const OTHERS_RATE = `
SELECT ${rate()} AS others_rate
FROM (
  SELECT ${DECIDED}
  FROM ${OTHERS}
)`

export const DAY_BEFORE_RATE = `
SELECT ${rate()} AS past_rate
FROM (
  SELECT ${DECIDED}
  FROM ${own('outcome, handshakes', DAY)}
)`

export const CLIENTS = `
SELECT uniqMergeIf(r.clients, r.outcome = 'failed') AS failing_clients
FROM ${own('outcome, clients')} AS r`

export const MAIN_CAUSE = `
SELECT cause
FROM ${own('outcome, cause, handshakes')}
WHERE outcome = 'failed'
GROUP BY cause
ORDER BY sum(handshakes) DESC, cause
LIMIT 1`

export const RATE_OVER_TIME = `
SELECT time, ${rate()} AS "this network"
FROM (
  SELECT ${timeOf()} AS time, ${DECIDED}
  FROM ${own('outcome, handshakes')}
  GROUP BY time
)
ORDER BY time`

export const OTHERS_OVER_TIME = `
SELECT time, ${rate()} AS "all others"
FROM (
  SELECT ${timeOf()} AS time, ${DECIDED}
  FROM ${OTHERS}
  GROUP BY time
)
ORDER BY time`

/** Fewer decided handshakes than this make no rate of an hour. */
const LEAST_IN_AN_HOUR = 10

/**
 * What is usual at an hour: its rate on the seven days before, without the best and the worst day, which are the second and the sixth of
 * seven. Hours are kept for longest, and a week of one network is few of them.
 */
export const USUAL_OVER_TIME = `
SELECT time, usual[1] AS "usually at least", usual[2] AS "usually at most"
FROM (
  SELECT hour + arrayJoin(range(1, 8)) * ${DAY} AS time, quantiles(1 / 6, 5 / 6)(completed / (completed + failed)) AS usual
  FROM (
    SELECT hour, ${DECIDED}
    FROM hours_by_network
    WHERE ${[...OF_NETWORK, `hour >= ${hourOf('$__fromTime')} - ${7 * DAY}`, `hour <= $__toTime - ${DAY}`].join('\n      AND ')}
    GROUP BY hour
    HAVING completed + failed >= ${LEAST_IN_AN_HOUR}
  )
  GROUP BY time
)
WHERE time >= ${hourOf('$__fromTime')} AND time <= $__toTime
ORDER BY time`

export const OUTCOMES = `
SELECT
  ${timeOf()} AS time,
  sumIf(handshakes, outcome = 'failed') AS failed,
  sumIf(handshakes, outcome = 'completed') AS completed,
  sumIf(handshakes, outcome = 'noise') AS noise,
  sumIf(handshakes, outcome = 'unknown') AS unknown
FROM ${own('outcome, handshakes')}
GROUP BY time
ORDER BY time`

export const CAUSES_OVER_TIME = `
SELECT ${timeOf()} AS time, toString(r.cause) AS cause, sum(r.handshakes) AS Value
FROM ${own('outcome, cause, handshakes')} AS r
WHERE outcome = 'failed'
GROUP BY time, cause
ORDER BY time, cause`

/** Each step counts who came at least so far. Whose SYN alone was seen is among the whole, and in no step. */
export const STAGES = `
SELECT reached.1 AS stage, reached.2 / total AS share
FROM (
  SELECT
    sum(handshakes) AS total,
    [
      ('connected', sumIf(handshakes, stage >= 'connected')),
      ('ClientHello begun', sumIf(handshakes, stage >= 'hello_partial')),
      ('ClientHello whole', sumIf(handshakes, stage >= 'hello')),
      ('server answered', sumIf(handshakes, stage >= 'server_flight')),
      ('completed', sumIf(handshakes, stage = 'completed'))
    ] AS steps
  FROM ${own('outcome, stage, handshakes')}
  WHERE outcome IN ('completed', 'failed')
  HAVING total > 0
)
ARRAY JOIN steps AS reached`

/** Failing clients are counted by the minute for as long as minutes are kept: the table holds failures only. */
export const PREFIXES = `
SELECT
  own.prefix AS prefix,
  ${rate()} AS success_rate,
  own.completed + own.failed AS decided,
  own.failed AS failed,
  clients.failing AS failing_clients,
  own.cause AS cause
FROM (
  SELECT
    prefix,
    sumIf(n, outcome = 'completed') AS completed,
    sumIf(n, outcome = 'failed') AS failed,
    argMaxIf(cause, n, outcome = 'failed') AS cause
  FROM (
    SELECT prefix, outcome, cause, sum(r.handshakes) AS n
    FROM ${ofNetwork({
      by: 'prefix',
      columns: 'prefix, outcome, cause, handshakes',
      where: OF_NETWORK,
    })} AS r
    WHERE outcome IN ('completed', 'failed')
    GROUP BY prefix, outcome, cause
  )
  GROUP BY prefix
) AS own
LEFT JOIN (
  SELECT prefix, uniqExact(client) AS failing
  FROM failed_clients_by_minute
  WHERE $__timeFilter(minute)
    AND ${OF_NETWORK.join('\n    AND ')}
  GROUP BY prefix
) AS clients ON own.prefix = clients.prefix
ORDER BY failed DESC, decided DESC
LIMIT 100`

export const SITES = `
SELECT site, ${rate()} AS success_rate, completed + failed AS decided, failed
FROM (
  SELECT ${SITE_NAME} AS site, ${DECIDED}
  FROM ${own('site, outcome, handshakes')}
  GROUP BY site
)
ORDER BY failed DESC, site`

export const HELLO_SIZES = `
SELECT size, ${rate()} AS success_rate, completed + failed AS decided, failed
FROM (
  SELECT
    hello_size,
    transform(
      toString(hello_size),
      ['unknown', 'to_500', 'to_1200', 'to_1460', 'larger'],
      ['not seen', 'to 500 bytes', '501 to 1200 bytes', '1201 to 1460 bytes', 'over 1460 bytes'],
      ''
    ) AS size,
    ${DECIDED}
  FROM ${own('hello_size, outcome, handshakes')}
  WHERE outcome IN ('completed', 'failed')
  GROUP BY hello_size
)
ORDER BY hello_size`

export const POST_QUANTUM = `
SELECT offer, ${rate()} AS success_rate, completed + failed AS decided, failed
FROM (
  SELECT
    hello_post_quantum,
    transform(
      toString(hello_post_quantum),
      ['unknown', 'no', 'yes'],
      ['not seen', 'without', 'with a post-quantum group'],
      ''
    ) AS offer,
    ${DECIDED}
  FROM ${own('hello_post_quantum, outcome, handshakes')}
  WHERE outcome IN ('completed', 'failed')
  GROUP BY hello_post_quantum
)
ORDER BY hello_post_quantum`

export const DURATIONS = `
SELECT time, times[1] AS median, times[2] AS "95th percentile"
FROM (
  SELECT
    ${timeOf()} AS time,
    quantilesTDigestMerge(0.5, 0.95)(r.handshake_ms) AS times
  FROM ${own('outcome, handshake_ms')} AS r
  WHERE outcome = 'completed'
  GROUP BY time
)
ORDER BY time`

/** The only query of the raw table: one network, the last day of the range at most, fifty rows. */
export const LATEST_FAILED = `
SELECT
  decided_at,
  replaceOne(toString(source_address), '::ffff:', '') AS source,
  prefix,
  site,
  server_name,
  toString(stage) AS stage,
  cause,
  toString(confidence) AS confidence,
  evidence,
  ended_by,
  tls_version,
  if(hello_bytes = 0, NULL, hello_bytes) AS hello_bytes,
  id
FROM handshakes
WHERE ${[...OF_NETWORK, SERVER_NAME].join('\n  AND ')}
  AND outcome = 'failed'
  AND decided_at >= greatest($__fromTime, $__toTime - ${DAY})
  AND decided_at <= $__toTime
ORDER BY decided_at DESC
LIMIT 50`
