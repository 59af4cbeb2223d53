-- What the detector found: one row for each state of an incident, of which the highest version counts (read with FINAL).
-- Times are whole seconds, as the detector counts them; closed_at is 1970-01-01 while an incident is open.
-- failed and decided count one per client and minute; for kind volume they are handshakes seen and usually seen,
-- and the usual number is a mean, hence a fraction.
CREATE TABLE IF NOT EXISTS incidents (
  id String,
  scope LowCardinality(String),
  kind LowCardinality(String),
  asn UInt32,
  label String,
  prefix String,
  site String,
  state LowCardinality(String),
  onset DateTime('UTC'),
  opened_at DateTime('UTC'),
  closed_at DateTime('UTC'),
  reopened UInt32,
  expected_rate Float64,
  failure_rate Float64,
  failed Float64,
  decided Float64,
  clients UInt64,
  failing_clients UInt64,
  prefixes Array(String),
  members Array(String),
  evidence Float64,
  odds String,
  world_excess Float64,
  cause LowCardinality(String),
  cause_share Float64,
  dimension String,
  explanation String,
  version UInt64,
  updated_at DateTime('UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;
