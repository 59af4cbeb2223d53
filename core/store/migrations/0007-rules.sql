-- Rules made through the API: document is the rule as JSON, as it was sent; a deleted rule keeps its row, so that its
-- revisions go on counting. Of one id the highest revision counts (read with FINAL).
CREATE TABLE IF NOT EXISTS alert_rules (
  id String,
  document String,
  author String,
  deleted Bool,
  revision UInt64,
  updated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY id;

-- What kept rules from being evaluated: a round that failed (rule is empty), or a stored rule that cannot be used. minute is
-- the first one that was not evaluated.
CREATE TABLE IF NOT EXISTS evaluation_errors (
  at DateTime64(3, 'UTC'),
  minute DateTime('UTC'),
  rule String,
  error String
)
ENGINE = ReplacingMergeTree
ORDER BY (at, rule, error)
TTL toDateTime(at) + INTERVAL 400 DAY;

-- What became of alerts, one row for each change, in the order in which evaluators wrote them; `change` names the change and
-- stays the same when it is written again. Two evaluators at once can take the same sequence: who sees that writes its changes
-- again under the next ones, so that none stands only where a reader may have been already.
CREATE TABLE IF NOT EXISTS alert_changes (
  sequence UInt64,
  change String,
  event LowCardinality(String),
  at DateTime('UTC'),
  id String,
  rule LowCardinality(String),
  severity LowCardinality(String),
  state LowCardinality(String),
  kind LowCardinality(String),
  scope LowCardinality(String),
  asn UInt32,
  label String,
  prefix String,
  site String,
  incident String,
  started_at DateTime('UTC'),
  fired_at DateTime('UTC'),
  resolved_at DateTime('UTC'),
  resolution LowCardinality(String),
  value Float64,
  threshold Float64,
  explanation String,
  receivers Array(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (sequence, change);
