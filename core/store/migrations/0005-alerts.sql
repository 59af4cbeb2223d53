-- Alerts: one row for each state of an alert, of which the highest version counts (read with FINAL). Times are whole seconds;
-- resolved_at is 1970-01-01 while an alert fires; minute is the evaluated minute of the last change.
CREATE TABLE IF NOT EXISTS alerts (
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
  receivers Array(String),
  minute DateTime('UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
TTL fired_at + INTERVAL 400 DAY;

-- Where the evaluator is: its whole state in one row, so that it is written at once or not at all.
CREATE TABLE IF NOT EXISTS alert_progress (
  name String,
  minute DateTime('UTC'),
  state String,
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name;

-- Messages to receivers: the queue, and the record of what was sent. id is the idempotency key; number counts the
-- messages of one group of alerts to one receiver; version is the number of attempts.
CREATE TABLE IF NOT EXISTS notifications (
  id String,
  receiver LowCardinality(String),
  rule LowCardinality(String),
  group_key String,
  number UInt32,
  status LowCardinality(String),
  alerts Array(String),
  minute DateTime('UTC'),
  created_at DateTime64(3, 'UTC'),
  message String,
  state LowCardinality(String),
  attempts UInt32,
  next_attempt_at DateTime64(3, 'UTC'),
  answer String,
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (receiver, group_key, number, id)
TTL toDateTime(created_at) + INTERVAL 400 DAY;

-- Every attempt to send a message, and what the receiver answered.
CREATE TABLE IF NOT EXISTS notification_attempts (
  notification String,
  receiver LowCardinality(String),
  attempt UInt32,
  at DateTime64(3, 'UTC'),
  milliseconds UInt32,
  result LowCardinality(String),
  answer String
)
ENGINE = ReplacingMergeTree
ORDER BY (receiver, notification, attempt, at)
TTL toDateTime(at) + INTERVAL 400 DAY;
