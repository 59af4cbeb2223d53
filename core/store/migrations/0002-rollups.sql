-- Rollups, filled on insert by materialized views: per minute from the raw table, per hour from the minutes.
-- Outcome, stage and cause are part of the key, so one counter serves rate, funnel and causes alike.
-- A minute is the one in which the handshake was decided.
CREATE TABLE IF NOT EXISTS minutes_by_network (
  minute DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  stage Enum8('syn' = 1, 'connected' = 2, 'hello_partial' = 3, 'hello' = 4, 'server_flight' = 5, 'completed' = 6),
  cause LowCardinality(String),
  hello_size Enum8('unknown' = 0, 'to_500' = 1, 'to_1200' = 2, 'to_1460' = 3, 'larger' = 4),
  hello_post_quantum Enum8('unknown' = 0, 'no' = 1, 'yes' = 2),
  network SimpleAggregateFunction(anyLast, String),
  handshakes SimpleAggregateFunction(sum, UInt64),
  clients AggregateFunction(uniq, UInt64),
  handshake_ms AggregateFunction(quantilesTDigest(0.5, 0.95), UInt32)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (asn, minute, label, site, ip_version, outcome, stage, cause, hello_size, hello_post_quantum)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS minutes_by_prefix (
  minute DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  prefix String,
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  stage Enum8('syn' = 1, 'connected' = 2, 'hello_partial' = 3, 'hello' = 4, 'server_flight' = 5, 'completed' = 6),
  cause LowCardinality(String),
  handshakes SimpleAggregateFunction(sum, UInt64),
  clients AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (asn, minute, label, prefix, site, ip_version, outcome, stage, cause)
SETTINGS non_replicated_deduplication_window = 10000;

-- Failing clients by minute: whether many fail or one fails often, and which prefixes carry it. Failures only, so it stays small.
CREATE TABLE IF NOT EXISTS failed_clients_by_minute (
  minute DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  prefix String,
  site LowCardinality(String),
  ip_version UInt8,
  client UInt64,
  handshakes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (asn, minute, label, prefix, site, ip_version, client)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS hours_by_network (
  hour DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  stage Enum8('syn' = 1, 'connected' = 2, 'hello_partial' = 3, 'hello' = 4, 'server_flight' = 5, 'completed' = 6),
  cause LowCardinality(String),
  hello_size Enum8('unknown' = 0, 'to_500' = 1, 'to_1200' = 2, 'to_1460' = 3, 'larger' = 4),
  hello_post_quantum Enum8('unknown' = 0, 'no' = 1, 'yes' = 2),
  network SimpleAggregateFunction(anyLast, String),
  handshakes SimpleAggregateFunction(sum, UInt64),
  clients AggregateFunction(uniq, UInt64),
  handshake_ms AggregateFunction(quantilesTDigest(0.5, 0.95), UInt32)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (asn, hour, label, site, ip_version, outcome, stage, cause, hello_size, hello_post_quantum)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS hours_by_prefix (
  hour DateTime('UTC'),
  asn UInt32,
  label LowCardinality(String),
  prefix String,
  site LowCardinality(String),
  ip_version UInt8,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  stage Enum8('syn' = 1, 'connected' = 2, 'hello_partial' = 3, 'hello' = 4, 'server_flight' = 5, 'completed' = 6),
  cause LowCardinality(String),
  handshakes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (asn, hour, label, prefix, site, ip_version, outcome, stage, cause)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_by_network_view TO minutes_by_network AS
SELECT
  toStartOfMinute(decided_at) AS minute,
  asn, label, site, ip_version, outcome, stage, cause,
  CAST(multiIf(hello_bytes = 0, 0, hello_bytes <= 500, 1, hello_bytes <= 1200, 2, hello_bytes <= 1460, 3, 4) AS Enum8('unknown' = 0, 'to_500' = 1, 'to_1200' = 2, 'to_1460' = 3, 'larger' = 4)) AS hello_size,
  hello_post_quantum,
  anyLast(handshakes.network) AS network,
  count() AS handshakes,
  uniqState(client) AS clients,
  quantilesTDigestState(0.5, 0.95)(handshakes.handshake_ms) AS handshake_ms
FROM handshakes
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS minutes_by_prefix_view TO minutes_by_prefix AS
SELECT
  toStartOfMinute(decided_at) AS minute,
  asn, label, prefix, site, ip_version, outcome, stage, cause,
  count() AS handshakes,
  groupBitmapState(toUInt32(client)) AS clients
FROM handshakes
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS failed_clients_by_minute_view TO failed_clients_by_minute AS
SELECT
  toStartOfMinute(decided_at) AS minute,
  asn, label, prefix, site, ip_version, client,
  count() AS handshakes
FROM handshakes
WHERE outcome = 'failed'
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS hours_by_network_view TO hours_by_network AS
SELECT
  toStartOfHour(minute) AS hour,
  asn, label, site, ip_version, outcome, stage, cause, hello_size, hello_post_quantum,
  anyLast(minutes_by_network.network) AS network,
  sum(minutes_by_network.handshakes) AS handshakes,
  uniqMergeState(minutes_by_network.clients) AS clients,
  quantilesTDigestMergeState(0.5, 0.95)(minutes_by_network.handshake_ms) AS handshake_ms
FROM minutes_by_network
GROUP BY ALL;

CREATE MATERIALIZED VIEW IF NOT EXISTS hours_by_prefix_view TO hours_by_prefix AS
SELECT
  toStartOfHour(minute) AS hour,
  asn, label, prefix, site, ip_version, outcome, stage, cause,
  sum(minutes_by_prefix.handshakes) AS handshakes
FROM minutes_by_prefix
GROUP BY ALL;
