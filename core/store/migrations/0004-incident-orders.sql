-- What people decided by hand of an incident: one acknowledgement, one order to close it. The stream is named too, so
-- that the order finds it when a replay dates the onset otherwise. `minute` is the one from which the order holds, as the
-- detector has fixed it before it judges that minute; 1970-01-01 until it has taken the order. Version 1 is the
-- order as it was given, 2 as it was taken.
CREATE TABLE IF NOT EXISTS incident_orders (
  incident String,
  action LowCardinality(String),
  scope LowCardinality(String),
  asn UInt32,
  label String,
  prefix String,
  site String,
  author String,
  reason String,
  given_at DateTime64(3, 'UTC'),
  minute DateTime('UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (incident, action);

-- What became of incidents, one row for each change, in the order in which the detector wrote them: `incidents` keeps only
-- the last state of each. `sequence` counts up by one, so that a reader knows where it was and whether anything is missing.
CREATE TABLE IF NOT EXISTS incident_changes (
  sequence UInt64,
  event LowCardinality(String),
  at DateTime64(3, 'UTC'),
  id String,
  version UInt64,
  scope LowCardinality(String),
  kind LowCardinality(String),
  asn UInt32,
  label String,
  prefix String,
  site String,
  state LowCardinality(String),
  onset DateTime('UTC'),
  reopened UInt32,
  expected_rate Float64,
  failure_rate Float64,
  failed Float64,
  decided Float64,
  clients UInt64,
  failing_clients UInt64,
  cause LowCardinality(String),
  cause_share Float64,
  explanation String,
  author String,
  note String
)
ENGINE = ReplacingMergeTree
ORDER BY sequence;
