import { LABEL_NAME, SCOPE, SITE_NAME } from '../common/filters.ts'
import { IN_RANGE } from '../common/incidents.ts'
import { DAY, DECIDED, rate, source, timeOf } from '../common/source.ts'

const NOW = source({ columns: 'outcome, handshakes', where: SCOPE })
const DAY_BEFORE = source({ columns: 'outcome, handshakes', where: SCOPE, earlier: DAY })
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

/**
 * Excess failures are those beyond what the lower of two rates would have given: the network's own of the day before, and that of
 * all other networks now. Cause and counts come of one pass over the rollup.
 */
export const NETWORKS = `
SELECT
  asn,
  network,
  label,
  ${rate()} AS success_rate,
  success_rate - past_rate AS change,
  ${rate('world_completed', 'world_failed')} AS others_rate,
  handshakes,
  failed,
  (least(ifNull(past_rate, others_rate), others_rate) - success_rate) * (completed + failed) AS excess_failures,
  cause
FROM (
  SELECT
    own.*,
    if(past.completed + past.failed >= ${LEAST}, past.completed / (past.completed + past.failed), NULL) AS past_rate,
    sum(own.completed) OVER () - own.completed AS world_completed,
    sum(own.failed) OVER () - own.failed AS world_failed
  FROM (
    SELECT
      asn,
      label,
      toString(anyLast(name)) AS network,
      sumIf(n, outcome = 'completed') AS completed,
      sumIf(n, outcome = 'failed') AS failed,
      sum(n) AS handshakes,
      argMaxIf(cause, n, outcome = 'failed') AS cause
    FROM (
      SELECT asn, ${LABEL_NAME} AS label, outcome, cause, anyLast(r.network) AS name, sum(r.handshakes) AS n
      FROM ${source({ columns: 'asn, label, outcome, cause, network, handshakes', where: SCOPE })} AS r
      GROUP BY asn, label, outcome, cause
    )
    GROUP BY asn, label
  ) AS own
  LEFT JOIN (
    SELECT asn, ${LABEL_NAME} AS label, ${DECIDED}
    FROM ${source({ columns: 'asn, label, outcome, handshakes', where: SCOPE, earlier: DAY })}
    GROUP BY asn, label
  ) AS past ON own.asn = past.asn AND own.label = past.label
)
ORDER BY excess_failures DESC NULLS LAST, handshakes DESC
LIMIT 200`

export const SITES_OVER_TIME = `
SELECT time, site, ${rate()} AS Value
FROM (
  SELECT ${timeOf()} AS time, ${SITE_NAME} AS site, ${DECIDED}
  FROM ${source({ columns: 'site, outcome, handshakes', where: SCOPE })}
  GROUP BY time, site
)
ORDER BY time, site`

export const IP_VERSIONS_OVER_TIME = `
SELECT time, ip_version, ${rate()} AS Value
FROM (
  SELECT ${timeOf()} AS time, concat('IPv', toString(ip_version)) AS ip_version, ${DECIDED}
  FROM ${source({ columns: 'ip_version, outcome, handshakes', where: SCOPE })}
  GROUP BY time, ip_version
)
ORDER BY time, ip_version`
