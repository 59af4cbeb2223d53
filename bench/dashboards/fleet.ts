/**
 * A fleet as SQL: what a rank, a minute and a handshake's number have is read off hashes of them, so that the same seed gives the
 * same fleet on every machine and in whatever order it is made.
 *
 * - Handshakes a minute fall with the rank of a network (Zipf's law) and with the hour of the day, and end at a ceiling.
 * - Each network has a site of its own, where 85 % of its handshakes arrive, six sites in all; a fifth comes by IPv6.
 * - 70 % of the ClientHellos have a post-quantum key share and 1,700 bytes. 1.5 % of the handshakes fail, by nine causes of which each
 *   network has a favourite; every 40th network is broken for the last two hours and fails 40 %, the large ClientHellos.
 * - A network has a prefix for every four handshakes a minute, at most 64, and ten clients for each prefix.
 * - Every 20th network has a label for half of its clients.
 */
const SEED = 7
/** Handshakes a minute of the first network if nothing bounded it, for each thousand networks. */
const LARGEST = 200
const CEILING = 200
export const SITES = ['fra', 'ams', 'iad', 'sjc', 'sin', 'gru'] as const
const BROKEN_EVERY = 40
const BROKEN_SECONDS = 7_200

/** Stages and causes of failures: what is broken is the first of them. */
const FAILURES = [
  ['mtu_inbound', 'connected'],
  ['reset_after_hello', 'hello'],
  ['client_rejected', 'server_flight'],
  ['client_closed', 'hello'],
  ['path_outbound', 'server_flight'],
  ['server_rejected', 'hello'],
  ['slow', 'hello_partial'],
  ['mtu_outbound', 'server_flight'],
  ['unexplained', 'connected'],
] as const

/** AS number of a rank: they do not follow one another by size. */
export function asnOf(rank: number): number {
  return 1_000 + ((rank * 7_919) % 100_003)
}

/** Ranks whose pages are looked at: the first network that is broken, and one of the smallest. */
export function exampleNetworks(networks: number): { big: number; small: number } {
  return { big: asnOf(BROKEN_EVERY), small: asnOf(networks - (networks % BROKEN_EVERY)) }
}

/**
 * Handshakes of all networks from one time to another (seconds, whole minutes), as a SELECT with the columns of the raw table that the
 * rollups are made of.
 */
export function handshakesSql({
  networks,
  from,
  to,
  now,
}: {
  networks: number
  from: number
  to: number
  /** When the broken networks have been broken for two hours. */
  now: number
}): string {
  const list = (values: readonly string[]) => `[${values.map((value) => `'${value}'`).join(', ')}]`
  return `
SELECT
  fromUnixTimestamp64Milli(toInt64(minute * 60000 + intDiv(h, 7) % 60000), 'UTC') AS decided_at,
  toUInt32(1000 + (rank * 7919) % 100003) AS asn,
  concat('Network ', toString(rank)) AS network,
  if(rank % 20 = 0 AND person % 2 = 0, 'partner', '') AS label,
  ${list(SITES)}[1 + if(h % 100 < 85, rank, intDiv(h, 100)) % ${SITES.length}] AS site,
  toUInt8(if(intDiv(h, 1000) % 5 = 0, 6, 4)) AS ip_version,
  if(ip_version = 4,
    concat(IPv4NumToString(toUInt32(16777216 + (rank * 64 + person % prefixes) * 256)), '/24'),
    concat('2001:', lower(hex(toUInt16(rank))), ':', lower(hex(toUInt16(person % prefixes))), '::/48')) AS prefix,
  cityHash64(rank, person) AS client,
  intDiv(h, 9000) % 100 < 70 AS large,
  rank % ${BROKEN_EVERY} = 0 AND minute * 60 >= ${now - BROKEN_SECONDS} AND large AND intDiv(h, 13) % 100 < 57 AS broken,
  multiIf(broken OR luck < 15, 'failed', luck < 35, 'noise', luck < 37, 'unknown', 'completed') AS outcome,
  if(broken, 1, 1 + if(intDiv(h, 17) % 10 < 7, rank, intDiv(h, 19)) % ${FAILURES.length}) AS failure,
  multiIf(
    outcome = 'failed', ${list(FAILURES.map(([cause]) => cause))}[failure],
    outcome = 'noise', if(h % 2 = 0, 'scanner', 'silent'),
    outcome = 'unknown', 'capture_loss',
    ''
  ) AS cause,
  multiIf(
    outcome = 'failed', ${list(FAILURES.map(([, stage]) => stage))}[failure],
    outcome = 'completed', 'completed',
    'connected'
  ) AS stage,
  toUInt32(multiIf(outcome = 'noise' OR stage = 'connected', 0, large, 1700, 517)) AS hello_bytes,
  multiIf(hello_bytes = 0, 'unknown', large, 'yes', 'no') AS hello_post_quantum,
  toUInt32(20 + rank % 150 + intDiv(h, 23) % 60 + if(h % 50 = 0, 400, 0)) AS handshake_ms,
  h
FROM (
  SELECT
    rank,
    minute,
    cityHash64(${SEED}, rank, minute, arrayJoin(range(handshakes))) AS h,
    intDiv(h, 29) % 1000 AS luck,
    intDiv(h, 31) % (prefixes * 10) AS person,
    prefixes
  FROM (
    SELECT
      1 + number % ${networks} AS rank,
      ${from / 60} + intDiv(number, ${networks}) AS minute,
      ${LARGEST} * ${networks / 1_000} / rank AS a_minute,
      toUInt32(1 + least(63, floor(a_minute / 4))) AS prefixes,
      least(${CEILING}, a_minute) * (0.7 + 0.3 * sin((minute % 1440) / 1440 * 2 * pi())) AS mean,
      toUInt32(floor(mean + cityHash64(${SEED}, rank, minute) % 1000 / 1000)) AS handshakes
    FROM numbers(${(networks * (to - from)) / 60})
  )
)`
}
