import { LABEL_NAME, SCOPE, SITE_NAME } from '../common/filters.ts'
import { IN_RANGE } from '../common/incidents.ts'
import { DAY, DECIDED, hourOf, ofNetworks, ofWorld, rate, timeOf } from '../common/source.ts'

const NOW = ofWorld({ columns: 'outcome, handshakes', where: SCOPE })
const DAY_BEFORE = ofWorld({ columns: 'outcome, handshakes', where: SCOPE, earlier: DAY })
/** Fewer decided handshakes than this make no rate to compare with, as in the API. */
const LEAST = 50

export const WORLD_RATE = `
SELECT ${rate()} AS success_rate
FROM (
  SELECT ${DECIDED}
  FROM ${NOW}
)`

export const HANDSHAKES = `
SELECT sum(handshakes) AS handshakes
FROM ${NOW}`

export const OPEN_INCIDENTS = `
SELECT countIf(state = 'open') AS open_incidents
FROM incidents FINAL`

export const INCIDENTS = `
SELECT
  state,
  asn,
  kind,
  scope,
  onset,
  if(state = 'open', NULL, closed_at) AS until,
  failure_rate,
  expected_rate,
  failing_clients,
  cause,
  explanation
FROM incidents FINAL
WHERE ${IN_RANGE}
ORDER BY state = 'open' DESC, opened_at DESC
LIMIT 100`

export const RATE_OVER_TIME = `
SELECT time, ${rate()} AS "all networks"
FROM (
  SELECT ${timeOf()} AS time, ${DECIDED}
  FROM ${NOW}
  GROUP BY time
)
ORDER BY time`

export const RATE_DAY_BEFORE = `
SELECT time, ${rate()} AS "the day before"
FROM (
  SELECT ${timeOf()} AS time, ${DECIDED}
  FROM ${DAY_BEFORE}
  GROUP BY time
)
ORDER BY time`

export const OUTCOMES = `
SELECT
  ${timeOf()} AS time,
  sumIf(handshakes, outcome = 'failed') AS failed,
  sumIf(handshakes, outcome = 'completed') AS completed,
  sumIf(handshakes, outcome = 'noise') AS noise,
  sumIf(handshakes, outcome = 'unknown') AS unknown
FROM ${NOW}
GROUP BY time
ORDER BY time`

/** Hours that the trend of a network shows, and what of an hour says too little to show it. */
const TREND_HOURS = 24
const LEAST_IN_AN_HOUR = 5
const TREND_BEGINS = `${hourOf('$__toTime')} - ${(TREND_HOURS - 1) * 3_600}`

/** Trends are made of so many networks, those with most failures of late: the table shows far fewer, and a day of all is ten times as much. */
const TRENDS = 1_000

const MOST_FAILURES = `
          SELECT asn
          FROM networks_by_hour
          WHERE ${[`hour >= greatest(${hourOf('$__fromTime')}, ${TREND_BEGINS})`, 'hour <= $__toTime', `outcome = 'failed'`, ...SCOPE].join('\n            AND ')}
          GROUP BY asn
          ORDER BY sum(handshakes) DESC
          LIMIT ${TRENDS}`

/** A bar for each hour: full from 95 % on, one step lower for each five points less. It is text, since a table draws that anywhere. */
const TREND = `
    SELECT
      asn,
      label,
      arrayStringConcat(groupArrayInsertAt('·', ${TREND_HOURS})(
        substringUTF8('▁▂▃▄▅▆▇█', 1 + toUInt8(least(7, greatest(0, floor((completed / (completed + failed) - 0.6) / 0.05)))), 1),
        toUInt32(dateDiff('hour', ${TREND_BEGINS}, hour))
      )) AS bars
    FROM (
      SELECT asn, label, hour, ${DECIDED}
      FROM networks_by_hour
      WHERE ${[
        `hour >= ${TREND_BEGINS}`,
        'hour <= $__toTime',
        `outcome IN ('completed', 'failed')`,
        `asn IN (${MOST_FAILURES}
        )`,
        ...SCOPE,
      ].join('\n        AND ')}
      GROUP BY asn, label, hour
      HAVING completed + failed >= ${LEAST_IN_AN_HOUR}
    )
    GROUP BY asn, label`

/** The cause of most failures of each network: of failures only, which are few. */
const MAIN_CAUSES = `
    SELECT asn, label, argMax(toString(cause), n) AS cause
    FROM (
      SELECT asn, label, r.cause AS cause, sum(r.handshakes) AS n
      FROM ${ofNetworks({ columns: 'asn, label, cause, handshakes', where: [`outcome = 'failed'`, ...SCOPE] })} AS r
      GROUP BY asn, label, cause
    )
    GROUP BY asn, label`

/**
 * Excess failures are those beyond what the lower of two rates would have given: the network's own of the day before, and that of
 * all other networks now.
 */
export const NETWORKS = `
SELECT
  asn,
  network,
  ${LABEL_NAME} AS label_name,
  ${rate()} AS success_rate,
  success_rate - past_rate AS change,
  bars AS trend,
  ${rate('world_completed', 'world_failed')} AS others_rate,
  total AS handshakes,
  failed,
  (least(ifNull(past_rate, others_rate), others_rate) - success_rate) * (completed + failed) AS excess_failures,
  cause
FROM (
  SELECT
    own.asn AS asn,
    own.label AS label,
    own.network AS network,
    own.completed AS completed,
    own.failed AS failed,
    own.total AS total,
    trends.bars AS bars,
    causes.cause AS cause,
    if(past.completed + past.failed >= ${LEAST}, past.completed / (past.completed + past.failed), NULL) AS past_rate,
    sum(own.completed) OVER () - own.completed AS world_completed,
    sum(own.failed) OVER () - own.failed AS world_failed
  FROM (
    SELECT asn, label, toString(anyLast(r.network)) AS network, ${DECIDED}, sum(r.handshakes) AS total
    FROM ${ofNetworks({ columns: 'asn, label, outcome, network, handshakes', where: SCOPE })} AS r
    GROUP BY asn, label
  ) AS own
  LEFT JOIN (
    SELECT asn, label, ${DECIDED}
    FROM ${ofNetworks({ columns: 'asn, label, outcome, handshakes', where: SCOPE, earlier: DAY })}
    GROUP BY asn, label
  ) AS past ON own.asn = past.asn AND own.label = past.label
  LEFT JOIN (${MAIN_CAUSES}
  ) AS causes ON own.asn = causes.asn AND own.label = causes.label
  LEFT JOIN (${TREND}
  ) AS trends ON own.asn = trends.asn AND own.label = trends.label
)
ORDER BY excess_failures DESC NULLS LAST, handshakes DESC
LIMIT 200`

export const SITES_OVER_TIME = `
SELECT time, site, ${rate()} AS Value
FROM (
  SELECT ${timeOf()} AS time, ${SITE_NAME} AS site, ${DECIDED}
  FROM ${ofWorld({ columns: 'site, outcome, handshakes', where: SCOPE })}
  GROUP BY time, site
)
ORDER BY time, site`

export const IP_VERSIONS_OVER_TIME = `
SELECT time, ip_version, ${rate()} AS Value
FROM (
  SELECT ${timeOf()} AS time, concat('IPv', toString(ip_version)) AS ip_version, ${DECIDED}
  FROM ${ofWorld({ columns: 'ip_version, outcome, handshakes', where: SCOPE })}
  GROUP BY time, ip_version
)
ORDER BY time, ip_version`
