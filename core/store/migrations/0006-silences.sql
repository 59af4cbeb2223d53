-- Silences: what people ordered not to be told for a time. Of one id the highest version counts (read with FINAL): 1 as it was
-- made, 2 as it was ended before its time; ended_at is 1970-01-01 until then. An empty list of matchers stands for all;
-- weekly is a calendar window as JSON, '' for the whole time between start and end.
CREATE TABLE IF NOT EXISTS silences (
  id String,
  rules Array(String),
  severities Array(String),
  asns Array(UInt32),
  labels Array(String),
  prefixes Array(String),
  sites Array(String),
  weekly String,
  author String,
  reason String,
  created_at DateTime64(3, 'UTC'),
  starts_at DateTime64(3, 'UTC'),
  ends_at DateTime64(3, 'UTC'),
  ended_by String,
  ended_reason String,
  ended_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
TTL toDateTime(ends_at) + INTERVAL 400 DAY;

-- Who has taken notice of an alert; of several the one given last counts. until is 1970-01-01 where it holds until the alert ends.
-- Those of the detector's incidents are in incident_orders.
CREATE TABLE IF NOT EXISTS alert_acknowledgements (
  alert String,
  author String,
  note String,
  given_at DateTime64(3, 'UTC'),
  until DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY alert
TTL toDateTime(given_at) + INTERVAL 400 DAY;
