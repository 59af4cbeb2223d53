import { CAUSES } from '../../core/causes.ts'
import { CAUSE, LABEL_NAME, SCOPE, SITE_NAME } from '../common/filters.ts'
import { DAY, ofNetworks, ofWorld, timeOf } from '../common/source.ts'

const FAILED = [`outcome = 'failed'`, CAUSE, ...SCOPE]

export const OVER_TIME = `
SELECT ${timeOf()} AS time, toString(r.cause) AS cause, sum(r.handshakes) AS Value
FROM ${ofWorld({ columns: 'cause, handshakes', where: FAILED })} AS r
GROUP BY time, cause
ORDER BY time, cause`

const titles = Object.entries(CAUSES)
const quoted = (texts: readonly string[]) => texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')
const TITLE = `transform(
    toString(cause),
    [${quoted(titles.map(([cause]) => cause))}],
    [${quoted(titles.map(([, { title }]) => title))}],
    ''
  )`

/** The change compares counts, not rates: how many times as many as at the same time of the day before. */
export const TABLE = `
SELECT
  now.cause AS cause,
  ${TITLE} AS meaning,
  now.failed AS failed,
  now.failed / sum(now.failed) OVER () AS share,
  if(past.failed > 0, now.failed / past.failed, NULL) AS times_day_before,
  now.networks AS networks,
  now.worst AS worst,
  now.first_seen AS first_seen,
  now.last_seen AS last_seen
FROM (
  SELECT
    cause,
    sum(n) AS failed,
    uniqExact(asn) AS networks,
    argMax(concat('AS', toString(asn), ' ', name), n) AS worst,
    min(first) AS first_seen,
    max(last) AS last_seen
  FROM (
    SELECT cause, asn, anyLast(r.network) AS name, sum(r.handshakes) AS n, min(r.at) AS first, max(r.at) AS last
    FROM ${ofNetworks({ columns: 'cause, asn, network, handshakes', where: FAILED })} AS r
    GROUP BY cause, asn
  )
  GROUP BY cause
) AS now
LEFT JOIN (
  SELECT cause, sum(r.handshakes) AS failed
  FROM ${ofWorld({ columns: 'cause, handshakes', where: FAILED, earlier: DAY })} AS r
  GROUP BY cause
) AS past ON now.cause = past.cause
ORDER BY failed DESC, cause`

export const NETWORKS = `
SELECT
  asn,
  toString(anyLast(r.network)) AS network,
  ${LABEL_NAME} AS label,
  toString(r.cause) AS cause,
  sum(r.handshakes) AS failed,
  failed / sum(failed) OVER (PARTITION BY asn, label) AS share,
  min(r.at) AS first_seen,
  max(r.at) AS last_seen
FROM ${ofNetworks({ columns: 'asn, label, network, cause, handshakes', where: FAILED })} AS r
GROUP BY asn, label, cause
ORDER BY failed DESC, asn, cause
LIMIT 200`

export const SITES = `
SELECT
  ${SITE_NAME} AS site,
  toString(r.cause) AS cause,
  sum(r.handshakes) AS failed,
  failed / sum(failed) OVER (PARTITION BY cause) AS share
FROM ${ofWorld({ columns: 'site, cause, handshakes', where: FAILED })} AS r
GROUP BY site, cause
ORDER BY failed DESC, site, cause
LIMIT 100`

export const NOT_COUNTED = `
SELECT ${timeOf()} AS time, toString(r.cause) AS cause, sum(r.handshakes) AS Value
FROM ${ofWorld({ columns: 'cause, handshakes', where: [`outcome IN ('noise', 'unknown')`, ...SCOPE] })} AS r
GROUP BY time, cause
ORDER BY time, cause`
