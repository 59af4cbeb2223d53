-- What is asked of all networks at once, in the order of time: the rollups by network are sorted by network, so that an hour of everybody
-- is spread over all of them. Filled from the rollups' own inserts, which are fewer rows than the handshakes. What was stored before
-- this migration is not in them.
CREATE TABLE IF NOT EXISTS minutes_by_site (
  minute DateTime('UTC'),
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  cause LowCardinality(String),
  handshakes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, site, ip_version, outcome, cause)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS networks_by_hour (
  hour DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  cause LowCardinality(String),
  network SimpleAggregateFunction(anyLast, LowCardinality(String)),
  handshakes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, asn, label, site, ip_version, outcome, cause)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_by_site_view TO minutes_by_site AS
SELECT minute, site, ip_version, outcome, cause, sum(minutes_by_network.handshakes) AS handshakes
FROM minutes_by_network
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS networks_by_hour_view TO networks_by_hour AS
SELECT
  hour, asn, label, site, ip_version, outcome, cause,
  toLowCardinality(anyLast(hours_by_network.network)) AS network,
  sum(hours_by_network.handshakes) AS handshakes
FROM hours_by_network
GROUP BY ALL;
