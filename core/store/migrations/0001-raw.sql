-- The raw table: one row for each decided handshake.
-- Sorted by network, because that is what is asked for; partitioned by day, so that retention drops whole days.
-- The deduplication window lets a block that is written again after a crash be recognised by its token;
-- every table below has one of its own, or a repeated block would be counted twice there.
CREATE TABLE IF NOT EXISTS handshakes (
  agent LowCardinality(String),
  epoch UInt64,
  sequence UInt64,
  line UInt32,
  bus_partition UInt32,
  bus_offset UInt64,
  received_at DateTime64(3, 'UTC'),
  id String,
  site LowCardinality(String),
  opened_at DateTime64(3, 'UTC'),
  decided_at DateTime64(3, 'UTC'),
  source_address IPv6,
  source_port UInt16,
  destination_address IPv6,
  destination_port UInt16,
  ip_version UInt8,
  prefix String,
  client UInt64,
  asn UInt32,
  network LowCardinality(String),
  label LowCardinality(String),
  lookup Enum8('known' = 1, 'unknown' = 2, 'broken' = 3),
  server_name LowCardinality(String),
  tls_version LowCardinality(String),
  cipher LowCardinality(String),
  alpn LowCardinality(String),
  hello_bytes UInt32,
  hello_segments UInt16,
  hello_post_quantum Enum8('unknown' = 0, 'no' = 1, 'yes' = 2),
  bytes_in UInt64,
  bytes_out UInt64,
  ended_by LowCardinality(String),
  alert Int16,
  alert_side LowCardinality(String),
  error LowCardinality(String),
  tcp_seen Bool,
  tcp_rtt_us UInt32,
  tcp_mss UInt32,
  tcp_pmtu UInt32,
  tcp_segs_in UInt32,
  tcp_segs_out UInt32,
  tcp_ooo UInt32,
  tcp_bytes_acked UInt64,
  tcp_unacked UInt32,
  tcp_lost UInt32,
  tcp_sacked UInt32,
  tcp_retrans UInt32,
  handshake_ms UInt32,
  outcome Enum8('completed' = 1, 'failed' = 2, 'noise' = 3, 'unknown' = 4),
  stage Enum8('syn' = 1, 'connected' = 2, 'hello_partial' = 3, 'hello' = 4, 'server_flight' = 5, 'completed' = 6),
  cause LowCardinality(String),
  confidence Enum8('none' = 0, 'possible' = 1, 'likely' = 2, 'certain' = 3),
  evidence String
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(decided_at)
ORDER BY (asn, decided_at)
-- A wide row is dear to merge: merging more parts at once rewrites it less often (measured: a fifth less of it).
SETTINGS non_replicated_deduplication_window = 10000, merge_selector_base = 12;

-- What could not be stored as a handshake, with its bytes and its reason.
CREATE TABLE IF NOT EXISTS dead_letters (
  received_at DateTime64(3, 'UTC'),
  agent LowCardinality(String),
  epoch UInt64,
  sequence UInt64,
  line UInt32,
  bus_partition UInt32,
  bus_offset UInt64,
  reason LowCardinality(String),
  field LowCardinality(String),
  message String,
  bytes UInt64,
  raw String
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
ORDER BY (received_at, agent)
SETTINGS non_replicated_deduplication_window = 10000;

-- One row for each batch of an agent that was stored: by it a repeat is recognised, and what was accepted can be added up.
CREATE TABLE IF NOT EXISTS batches (
  received_at DateTime64(3, 'UTC'),
  agent LowCardinality(String),
  epoch UInt64,
  sequence UInt64,
  bus_partition UInt32,
  bus_offset UInt64,
  accepted UInt32,
  handshakes UInt32,
  rejected UInt32
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
ORDER BY (agent, epoch, sequence)
SETTINGS non_replicated_deduplication_window = 10000;
